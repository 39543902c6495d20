#include "bindings.hpp"

#include <nanobind/ndarray.h>
#include <mutex>
#include <shared_mutex>

namespace warpbo::python {

namespace {

using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Vector = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using NewVector = nb::ndarray<nb::numpy, double, nb::ndim<1>>;
using NewMatrix = nb::ndarray<nb::numpy, double, nb::ndim<2>>;

template <class Array>
std::span<const double> span_of(const Array& array) {
  return {array.data(), array.size()};
}

/// A capsule that owns the numbers: the array is a view of it, nothing is copied.
std::pair<double*, nb::capsule> keep(std::vector<double>&& values) {
  auto* const kept = new std::vector<double>(std::move(values));
  nb::capsule owner(kept, [](void* pointer) noexcept { delete static_cast<std::vector<double>*>(pointer); });
  return {kept->data(), owner};
}

NewVector new_vector(std::vector<double>&& values) {
  const std::size_t size = values.size();
  const auto [data, owner] = keep(std::move(values));
  return NewVector(data, {size}, owner);
}

NewMatrix new_matrix(std::vector<double>&& values, std::size_t rows, std::size_t columns) {
  const auto [data, owner] = keep(std::move(values));
  return NewMatrix(data, {rows, columns}, owner);
}

std::pair<NewVector, NewVector> new_prediction(Prediction&& prediction) {
  return {new_vector(std::move(prediction.mean)), new_vector(std::move(prediction.variance))};
}

/// Readers share it, `append` has it alone. The lock is taken without the interpreter's.
class SharedProcess {
 public:
  SharedProcess(const Matrix& points, const Vector& targets, const GaussianProcessOptions& options)
      : process_([&] {
          const nb::gil_scoped_release released;
          return GaussianProcess::fit(span_of(points), span_of(targets), options);
        }()) {}

  template <class Action>
  auto read(const Action& action) const {
    const nb::gil_scoped_release released;
    const std::shared_lock lock(mutex_);
    return action(process_);
  }

  void append(const Matrix& points, const Vector& targets) {
    const nb::gil_scoped_release released;
    const std::unique_lock lock(mutex_);
    process_.append(span_of(points), span_of(targets));
  }

 private:
  mutable std::shared_mutex mutex_;
  GaussianProcess process_;
};

SharedProcess* fit(const Matrix& points, const Vector& targets, const std::vector<int>& categorical, const std::string& kernel,
                   std::optional<double> noise_variance, int restarts, std::uint64_t seed, const std::string& device) {
  GaussianProcessOptions options;
  options.dimensions = static_cast<int>(points.shape(1));
  options.categorical = categorical;
  if (kernel != "matern52" && kernel != "rbf")
    throw Error(ErrorCode::invalid_argument, "kernel is '" + kernel + "'; it must be 'matern52' or 'rbf'");
  options.kernel = kernel == "rbf" ? Kernel::rbf : Kernel::matern52;
  options.noise_variance = noise_variance;
  options.restarts = restarts;
  options.seed = seed;
  options.device = Device::parse(device);
  return new SharedProcess(points, targets, options);
}

}  // namespace

void bind_gaussian_process(nb::module_& m) {
  nb::class_<SharedProcess>(m, "GaussianProcess")
      .def_static("fit", &fit, nb::arg("points").noconvert(), nb::arg("targets").noconvert(), "categorical"_a, "kernel"_a,
                  "noise_variance"_a.none(), "restarts"_a, "seed"_a, "device"_a)
      .def(
          "predict",
          [](const SharedProcess& self, const Matrix& queries) {
            return new_prediction(self.read([&](const GaussianProcess& gp) { return gp.predict(span_of(queries)); }));
          },
          nb::arg("queries").noconvert())
      .def(
          "sample",
          [](const SharedProcess& self, const Matrix& queries, int count, std::uint64_t seed) {
            return new_matrix(self.read([&](const GaussianProcess& gp) { return gp.sample(span_of(queries), count, seed); }),
                              static_cast<std::size_t>(count), queries.shape(0));
          },
          nb::arg("queries").noconvert(), "count"_a, "seed"_a)
      .def("append", &SharedProcess::append, nb::arg("points").noconvert(), nb::arg("targets").noconvert())
      .def("leave_one_out",
           [](const SharedProcess& self) {
             return new_prediction(self.read([](const GaussianProcess& gp) { return gp.leave_one_out(); }));
           })
      .def("observations",
           [](const SharedProcess& self) { return self.read([](const GaussianProcess& gp) { return gp.observations(); }); })
      .def("lengthscales",
           [](const SharedProcess& self) {
             return new_vector(self.read([](const GaussianProcess& gp) { return std::vector<double>(gp.lengthscales()); }));
           })
      .def("noise_variance",
           [](const SharedProcess& self) { return self.read([](const GaussianProcess& gp) { return gp.noise_variance(); }); })
      .def("outputscale",
           [](const SharedProcess& self) { return self.read([](const GaussianProcess& gp) { return gp.outputscale(); }); })
      .def("mean", [](const SharedProcess& self) { return self.read([](const GaussianProcess& gp) { return gp.mean(); }); })
      .def("log_marginal_likelihood",
           [](const SharedProcess& self) {
             return self.read([](const GaussianProcess& gp) { return gp.log_marginal_likelihood(); });
           })
      .def("jitter",
           [](const SharedProcess& self) { return self.read([](const GaussianProcess& gp) { return gp.jitter(); }); });
}

}  // namespace warpbo::python
