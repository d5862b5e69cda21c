// SPDX-License-Identifier: MIT
// Every layer against reference/layers.json and reference/layers_keras.json.
#include "../support/reference.hpp"

#include "../catch.hpp"
#include "../support/compare.hpp"

namespace {

template <class T>
void agrees(const support::LayerCase& c) {
  INFO(c.name);
  const auto run = support::run(support::model<T>(tarn::Input{c.x_shape.without_first()}, c.specs), c);
  CHECK(support::differences(run, c, support::reference_tolerance<T>) == "");
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

TEMPLATE_TEST_CASE("Strides, padding, poolings, activations and batch norm agree with Keras", "[layers][reference]", float,
                   double) {
  const auto cases = support::keras_layer_cases();
  CHECK(cases.size() == 67);
  for (const auto& c : cases) agrees<TestType>(c);
}
