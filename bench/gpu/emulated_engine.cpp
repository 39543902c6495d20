/// Linked into a program, makes every CUDA device of it the tests' stand-in: the same kernels, run as C++ on fibers. Correct,
/// counted, and far too slow for a time to mean anything.
#include "backend/cuda/cuda_backend.hpp"
#include "backend/open.hpp"

namespace warpbo::backend {

std::shared_ptr<Backend> make_cuda_backend(int index) { return make_cuda_engine(index); }

}  // namespace warpbo::backend
