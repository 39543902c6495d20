#include "bindings.hpp"

NB_MODULE(_core, m) {
  m.doc() = "The C++ library; use the package warpbo instead.";
  m.attr("version") = WARPBO_VERSION;
  warpbo::python::bind_errors(m);
  warpbo::python::bind_space(m);
  warpbo::python::bind_sampler(m);
  warpbo::python::bind_study(m);
  warpbo::python::bind_gaussian_process(m);
}
