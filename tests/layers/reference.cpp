// SPDX-License-Identifier: MIT
// Every layer against reference/layers.json.
#include "../support/reference.hpp"

#include "../catch.hpp"
#include "../support/compare.hpp"

using support::relative_error;

namespace {

template <class T>
void agrees(const support::LayerCase& c) {
  const double tolerance = support::reference_tolerance<T>;
  INFO(c.name);
  const auto run =
      support::run<T>(tarn::Input{c.x_shape.without_first()}, c.specs, c.parameters, c.x, c.dy, {.training = c.training});
  CHECK(run.shape == c.y_shape);
  CHECK(relative_error(run.y, c.y) < tolerance);
  for (const auto& [name, values] : c.after) {
    INFO(name);
    CHECK(relative_error(run.state.at(name), values) < tolerance);
  }
  if (!c.training) return;
  CHECK(relative_error(run.dx, c.dx) < tolerance);
  for (const auto& [name, values] : c.gradients) {
    INFO("gradient of " << name);
    CHECK(relative_error(run.gradients.at(name), values) < tolerance);
  }
}

}  // namespace

TEST_CASE("Layers agree with the reference in double", "[layers][reference]") {
  const auto cases = support::layer_cases();
  CHECK(cases.size() == 44);
  for (const auto& c : cases) agrees<double>(c);
}

TEST_CASE("Layers agree with the reference in float", "[layers][reference]") {
  for (const auto& c : support::layer_cases())
    if (c.name != "batch_norm mean 1e4, spread 0.05, training")
      agrees<float>(c);  // float rounds these inputs by 1 % of their spread
}
