#include "bindings.hpp"

namespace warpbo::python {

namespace {

std::string described(nb::handle object) {
  return nb::cast<std::string>(nb::repr(object)) + " (" + nb::cast<std::string>(nb::str(object.type().attr("__name__"))) + ")";
}

std::int64_t to_integer(nb::handle object, const std::string& what) {
  std::int64_t value = 0;
  if (!nb::try_cast(object, value))
    throw Error(ErrorCode::invalid_argument, what + " is " + described(object) + ", which does not fit into 64 bits");
  return value;
}

nb::object seconds(const std::optional<Trial::Time>& time) {
  if (!time) return nb::none();
  return nb::float_(std::chrono::duration<double>(time->time_since_epoch()).count());
}

}  // namespace

Value to_value(nb::handle object, const std::string& what) {
  if (PyBool_Check(object.ptr())) return Value(object.is(nb::handle(Py_True)));
  if (PyLong_Check(object.ptr())) return Value(to_integer(object, what));
  if (PyFloat_Check(object.ptr())) return Value(PyFloat_AsDouble(object.ptr()));
  if (PyUnicode_Check(object.ptr())) return Value(nb::cast<std::string>(nb::str(object)));
  // A NumPy scalar, or an array of one element, knows its Python twin.
  if (nb::hasattr(object, "dtype") && nb::hasattr(object, "item")) {
    const nb::object twin = object.attr("item")();
    if (!nb::hasattr(twin, "dtype")) return to_value(twin, what);
  }
  throw Error(ErrorCode::invalid_argument, what + " is " + described(object) + "; it must be a bool, int, float or str");
}

nb::object from_value(const Value& value) {
  return std::visit([](const auto& held) -> nb::object { return nb::cast(held); }, value);
}

Parameters to_parameters(const nb::dict& values, const std::string& what) {
  Parameters parameters;
  for (const auto& [key, value] : values) {
    if (!PyUnicode_Check(key.ptr()))
      throw Error(ErrorCode::invalid_argument, what + ": the key " + described(key) + " must be a parameter's name");
    const auto name = nb::cast<std::string>(key);
    parameters.set(name, to_value(value, what + "['" + name + "']"));
  }
  return parameters;
}

ParameterDict from_parameters(const Parameters& parameters) {
  nb::dict values;
  for (const auto& [name, value] : parameters) values[name.c_str()] = from_value(value);
  return nb::borrow<ParameterDict>(values);
}

Row from_trial(const Trial& trial) {
  nb::dict attributes;
  for (const auto& [key, json] : trial.attributes) attributes[key.c_str()] = json;
  const nb::object value = trial.value ? nb::object(nb::float_(*trial.value)) : nb::none();
  return nb::borrow<Row>(nb::make_tuple(trial.number, std::string(to_string(trial.state)), from_parameters(trial.parameters),
                                        value, trial.failure, seconds(trial.started), seconds(trial.finished), attributes,
                                        trial.id));
}

Rows from_trials(const std::vector<Trial>& trials) {
  nb::list rows;
  for (const Trial& trial : trials) rows.append(from_trial(trial));
  return nb::borrow<Rows>(rows);
}

Row from_model(const ModelSummary& model) {
  nb::dict lengthscales;
  for (const auto& [name, lengthscale] : model.lengthscales) lengthscales[name.c_str()] = lengthscale;
  return nb::borrow<Row>(nb::make_tuple(model.kind, model.observations, model.noise_variance, lengthscales,
                                        model.leave_one_out_r2, model.fit_seconds, model.suggest_seconds, model.device));
}

Direction to_direction(const std::string& text) {
  if (text == "minimize") return Direction::minimize;
  if (text == "maximize") return Direction::maximize;
  throw Error(ErrorCode::invalid_argument, "direction is '" + text + "'; it must be 'minimize' or 'maximize'");
}

}  // namespace warpbo::python
