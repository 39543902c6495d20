/// Dense linear algebra that a vendor's library does best: large products, triangular solves and factors, under our own names.
/// dense.cpp is the only file that names cuBLAS and cuSOLVER; the tests' stand-in implements the same class with plain loops.
///
/// Everything is column-major, queued on the backend's stream, deterministic, and may be called with sizes of 0.
#pragma once

#include <cstdint>
#include <memory>

namespace warpbo::backend {
class CudaBackend;
}

namespace warpbo::backend::cuda {

enum class Op { none, transpose };
enum class Side { left, right };

class Dense {
 public:
  /// Works on the backend's stream, with temporaries from its workspace.
  explicit Dense(CudaBackend& backend);
  ~Dense();
  /// Before the destructor, where the device is lost: the library's handles are forgotten, since destroying them calls the
  /// device.
  void abandon() noexcept;
  Dense(const Dense&) = delete;
  Dense& operator=(const Dense&) = delete;

  /// C (m x n) = alpha op(A) op(B) + beta C for `batch` members `stride` elements apart; inner size k. beta = 0 overwrites C
  /// whatever it holds.
  struct Product {
    Op op_a = Op::none, op_b = Op::none;
    std::int64_t m = 0, n = 0, k = 0;
    double alpha = 1;
    const double* a = nullptr;
    std::int64_t lda = 0, stride_a = 0;
    const double* b = nullptr;
    std::int64_t ldb = 0, stride_b = 0;
    double beta = 0;
    double* c = nullptr;
    std::int64_t ldc = 0, stride_c = 0;
    std::int64_t batch = 1;
  };
  void gemm(const Product& product);

  /// B (m x n) = op(L)^-1 B, or B op(L)^-1, with L lower.
  void solve_lower(Side side, Op op, std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, double* b,
                   std::int64_t ldb);

  /// Lower triangle of A -> L in place. *info (device): 0, or 1 + the row whose pivot was not positive; NaN may pass for a
  /// factor. The strict upper triangle is neither read nor written.
  void cholesky(std::int64_t n, double* a, std::int64_t lda, std::int32_t* info);

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace warpbo::backend::cuda
