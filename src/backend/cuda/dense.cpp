#include "backend/cuda/dense.hpp"

#include "backend/cuda/check.hpp"
#include "backend/cuda/cuda_backend.hpp"

#include <warpbo/error.hpp>

#include <cublas_v2.h>
#include <cusolverDn.h>

#include <string>
#include <type_traits>
#include <vector>

namespace warpbo::backend::cuda {

namespace {

struct DestroyBlas {
  void operator()(cublasHandle_t handle) const noexcept { (void)cublasDestroy(handle); }
};
struct DestroySolver {
  void operator()(cusolverDnHandle_t handle) const noexcept { (void)cusolverDnDestroy(handle); }
};
struct DestroySolverParams {
  void operator()(cusolverDnParams_t params) const noexcept { (void)cusolverDnDestroyParams(params); }
};
using BlasOwner = std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, DestroyBlas>;
using SolverOwner = std::unique_ptr<std::remove_pointer_t<cusolverDnHandle_t>, DestroySolver>;
using SolverParamsOwner = std::unique_ptr<std::remove_pointer_t<cusolverDnParams_t>, DestroySolverParams>;

/// The size that NVIDIA recommends for Hopper (cuBLAS, cublasSetWorkspace). Without memory of its own a handle allocates during
/// calls, and those could not be captured into graphs.
constexpr std::int64_t kBlasWorkspace = std::int64_t{32} << 20;

[[noreturn]] void fail(CudaBackend& backend, const char* call, const std::string& status, bool memory) {
  // The library reports a lost device as a failure of its own: the runtime knows better.
  check(cudaPeekAtLastError(), call, backend.device());
  throw Error(memory ? ErrorCode::resource_exhausted : ErrorCode::internal, backend.name() + ": " + call + ": " + status);
}

const char* status_name(cusolverStatus_t status) {
  switch (status) {
    case CUSOLVER_STATUS_NOT_INITIALIZED:
      return "CUSOLVER_STATUS_NOT_INITIALIZED";
    case CUSOLVER_STATUS_ALLOC_FAILED:
      return "CUSOLVER_STATUS_ALLOC_FAILED";
    case CUSOLVER_STATUS_INVALID_VALUE:
      return "CUSOLVER_STATUS_INVALID_VALUE";
    case CUSOLVER_STATUS_ARCH_MISMATCH:
      return "CUSOLVER_STATUS_ARCH_MISMATCH";
    case CUSOLVER_STATUS_EXECUTION_FAILED:
      return "CUSOLVER_STATUS_EXECUTION_FAILED";
    case CUSOLVER_STATUS_INTERNAL_ERROR:
      return "CUSOLVER_STATUS_INTERNAL_ERROR";
    case CUSOLVER_STATUS_NOT_SUPPORTED:
      return "CUSOLVER_STATUS_NOT_SUPPORTED";
    default:
      return "an unknown status";
  }
}

void check_blas(CudaBackend& backend, cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(backend, call, cublasGetStatusName(status), status == CUBLAS_STATUS_ALLOC_FAILED);
}

void check_solver(CudaBackend& backend, cusolverStatus_t status, const char* call) {
  if (status != CUSOLVER_STATUS_SUCCESS)
    fail(backend, call, std::string(status_name(status)) + " (" + std::to_string(static_cast<int>(status)) + ")",
         status == CUSOLVER_STATUS_ALLOC_FAILED);
}

cublasOperation_t operation(Op op) { return op == Op::transpose ? CUBLAS_OP_T : CUBLAS_OP_N; }

}  // namespace

struct Dense::Handles {
  CudaBackend& backend;
  Buffer<std::uint8_t> blas_workspace;
  BlasOwner blas;
  SolverOwner solver;
  SolverParamsOwner solver_params;
  std::vector<std::uint8_t> host_workspace;

  explicit Handles(CudaBackend& owner)
      : backend(owner), blas_workspace(std::shared_ptr<Backend>(std::shared_ptr<void>(), &owner), kBlasWorkspace) {
    cublasHandle_t handle = nullptr;
    check_blas(backend, cublasCreate(&handle), "cublasCreate");
    blas.reset(handle);
    check_blas(backend, cublasSetStream(handle, backend.stream()), "cublasSetStream");
    // After the stream: setting a stream resets the workspace.
    check_blas(backend, cublasSetWorkspace(handle, blas_workspace.data(), kBlasWorkspace), "cublasSetWorkspace");
    check_blas(backend, cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST), "cublasSetPointerMode");
    check_blas(backend, cublasSetAtomicsMode(handle, CUBLAS_ATOMICS_NOT_ALLOWED), "cublasSetAtomicsMode");
    check_blas(backend, cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
    backend.not_replayable();
  }

  void make_solver() {
    if (solver_params) return;
    cusolverDnHandle_t handle = nullptr;
    check_solver(backend, cusolverDnCreate(&handle), "cusolverDnCreate");
    solver.reset(handle);
    check_solver(backend, cusolverDnSetStream(handle, backend.stream()), "cusolverDnSetStream");
    cusolverDnParams_t params = nullptr;
    check_solver(backend, cusolverDnCreateParams(&params), "cusolverDnCreateParams");
    solver_params.reset(params);
  }
};

Dense::Dense(CudaBackend& backend) : handles_(std::make_unique<Handles>(backend)) {}
Dense::~Dense() = default;

void Dense::abandon() noexcept {
  (void)handles_->blas.release();
  (void)handles_->solver.release();
  (void)handles_->solver_params.release();
}

void Dense::gemm(const Product& product) {
  if (product.m == 0 || product.n == 0 || product.batch == 0) return;
  const cublasHandle_t blas = handles_->blas.get();
  const cublasOperation_t op_a = operation(product.op_a), op_b = operation(product.op_b);
  if (product.batch == 1)
    check_blas(handles_->backend,
               cublasDgemm_64(blas, op_a, op_b, product.m, product.n, product.k, &product.alpha, product.a, product.lda,
                              product.b, product.ldb, &product.beta, product.c, product.ldc),
               "cublasDgemm");
  else
    check_blas(handles_->backend,
               cublasDgemmStridedBatched_64(blas, op_a, op_b, product.m, product.n, product.k, &product.alpha, product.a,
                                            product.lda, product.stride_a, product.b, product.ldb, product.stride_b,
                                            &product.beta, product.c, product.ldc, product.stride_c, product.batch),
               "cublasDgemmStridedBatched");
}

void Dense::solve_lower(Side side, Op op, std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, double* b,
                        std::int64_t ldb) {
  if (m == 0 || n == 0) return;
  const double one = 1;
  check_blas(handles_->backend,
             cublasDtrsm_64(handles_->blas.get(), side == Side::left ? CUBLAS_SIDE_LEFT : CUBLAS_SIDE_RIGHT,
                            CUBLAS_FILL_MODE_LOWER, operation(op), CUBLAS_DIAG_NON_UNIT, m, n, &one, l, ldl, b, ldb),
             "cublasDtrsm");
}

void Dense::cholesky(std::int64_t n, double* a, std::int64_t lda, std::int32_t* info) {
  Handles& handles = *handles_;
  CudaBackend& backend = handles.backend;
  handles.make_solver();
  backend.not_replayable();
  const cusolverDnHandle_t solver = handles.solver.get();
  const cusolverDnParams_t params = handles.solver_params.get();
  std::size_t device_bytes = 0, host_bytes = 0;
  check_solver(backend,
               cusolverDnXpotrf_bufferSize(solver, params, CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a, lda, CUDA_R_64F,
                                           &device_bytes, &host_bytes),
               "cusolverDnXpotrf_bufferSize");
  // The call may still read its host memory after it has returned: it is never made smaller, and replaced only after a wait.
  if (handles.host_workspace.size() < host_bytes) {
    backend.synchronize();
    handles.host_workspace.resize(host_bytes);
  }
  Arena::Scope scope(backend.workspace());
  const auto workspace = backend.workspace().vector<std::uint8_t>(static_cast<std::int64_t>(device_bytes));
  check_solver(backend,
               cusolverDnXpotrf(solver, params, CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a, lda, CUDA_R_64F, workspace.data,
                                device_bytes, handles.host_workspace.data(), host_bytes, info),
               "cusolverDnXpotrf");
}

}  // namespace warpbo::backend::cuda
