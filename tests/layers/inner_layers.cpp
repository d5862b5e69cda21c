// SPDX-License-Identifier: MIT
// Outputs of inner layers, and layers that are frozen.
#include <tarn/layers/blocks.hpp>
#include <tarn/layers/sequential.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;

namespace {

const std::vector<support::AnySpec> image_net{Conv2D{.filters = 3, .kernel = 3, .activation = Tanh{}},
                                              BatchNorm{},
                                              Dropout{0.5},
                                              MaxPool2D{2},
                                              Flatten{},
                                              Dense{.units = 5, .activation = ReLU{}},
                                              Dense{.units = 2}};

LayerSpec<float> spec(const support::AnySpec& any) { return support::layers<float>({any})[0]; }
LayerSpec<float> tanh_dense(int units) { return spec(Dense{.units = units, .activation = Tanh{}}); }

/// [first, last) of each trained part.
std::vector<Index> trained(const Sequential<float>& model) {
  std::vector<Index> ends;
  for (const Range& range : model.trained()) ends.insert(ends.end(), {range.first, range.last});
  return ends;
}

}  // namespace

TEST_CASE("The output of an inner layer is that of a model which ends there", "[layers][sequential]") {
  const auto model = support::model<float>(Input{6, 6, 2}, image_net);
  const auto x = support::numbers<float>({300, 6, 6, 2}, 1);  // more than one pass
  for (std::size_t layers = 1; layers <= image_net.size(); ++layers) {
    auto cut =
        support::model<float>(Input{6, 6, 2}, {image_net.begin(), image_net.begin() + static_cast<std::ptrdiff_t>(layers)});
    for (const auto& entry : cut.parameters().entries())
      ops::copy(model.parameters()[model.parameters().find(entry.name).parameter], cut.weights(entry.name));
    const std::string name = model.layers()[layers - 1].name;
    INFO(name);
    CHECK(support::same_bits(model.outputs(name, x), cut.predict(x)));
    CHECK(support::same_bits(model.outputs(name, Samples{x}), cut.predict(x)));
  }
  CHECK(model.outputs("flatten", x).shape() == Shape{300, 12});
  CHECK(support::same_bits(model.outputs("dense_1", x), model.predict(x)));
}

TEST_CASE("Branches and joins have outputs too", "[layers][sequential]") {
  const Sequential<float> model{Input{3}, tanh_dense(4), Residual{tanh_dense(6), tanh_dense(4)}, tanh_dense(2)};
  const auto x = support::numbers<float>({5, 3}, 1);
  const auto before = model.outputs("dense", x), inside = model.outputs("residual/dense_1", x),
             sum = model.outputs("residual", x);
  CHECK(model.outputs("residual/dense", x).shape() == Shape{5, 6});
  for (Index i = 0; i < sum.size(); ++i) CHECK(sum[i] == before[i] + inside[i]);
  CHECK(error_of<ArgumentError>([&] { model.outputs("dense_7", x); }) ==
        "no layer 'dense_7', there are: dense, residual/dense, residual/dense_1, residual, dense_1");
  CHECK(error_of<ShapeError>([&] {
          model.outputs("dense", support::numbers<float>({5, 4}, 1));
        }) == "predict: inputs are [5, 4], expected [n, 3]");
}

TEST_CASE("Frozen layers are left out of what is trained, and counted so", "[layers][sequential][freeze]") {
  auto model = support::model<float>(Input{2}, {Dense{.units = 3}, BatchNorm{}, Dense{.units = 1}});  // 9, 6, 4
  CHECK(trained(model) == std::vector<Index>{0, 19});
  CHECK(model.summary().find("Trainable: 19\nNot trainable: 6\n") != std::string::npos);
  model.freeze("batch_norm");
  CHECK(trained(model) == std::vector<Index>{0, 9, 15, 19});
  CHECK(model.is_frozen(1));
  CHECK_FALSE(model.is_frozen(0));
  CHECK(model.summary().find("Total parameters: 25\nTrainable: 13\nNot trainable: 12\n") != std::string::npos);
  const auto copy = model;  // frozen as well
  CHECK(trained(copy) == trained(model));
  model.freeze("batch_norm");  // once more changes nothing
  model.freeze("dense");
  CHECK(trained(model) == std::vector<Index>{15, 19});
  model.unfreeze("batch_norm");
  CHECK(trained(model) == std::vector<Index>{9, 19});
  model.freeze("batch_norm");
  model.freeze("dense_1");
  CHECK(trained(model).empty());
  model.initialize(3);  // draws anew what is frozen too
  CHECK_FALSE(support::same_bits(std::as_const(model).weights("dense/kernel"), copy.weights("dense/kernel")));
  CHECK(trained(copy) == std::vector<Index>{0, 9, 15, 19});
}

TEST_CASE("A block is frozen with all that is in it, and nothing whose name begins alike", "[layers][sequential][freeze]") {
  Sequential<float> model{Input{2}, Residual{tanh_dense(2)}, Residual{tanh_dense(3), Residual{tanh_dense(3)}, tanh_dense(2)},
                          Named{"head", Block{tanh_dense(2), tanh_dense(1)}}};
  const auto frozen = [&] {
    std::vector<std::string> names;
    for (Index i = 0; i <= model.last_layer(); ++i)
      if (model.is_frozen(i)) names.push_back(model.layers()[static_cast<std::size_t>(i)].name);
    return names;
  };
  model.freeze("residual");
  CHECK(frozen() == std::vector<std::string>{"residual/dense", "residual"});
  model.unfreeze("residual");
  model.freeze("residual_1/residual");
  CHECK(frozen() == std::vector<std::string>{"residual_1/residual/dense", "residual_1/residual"});
  model.freeze("residual_1");
  model.unfreeze("residual_1/dense_1");
  CHECK(frozen() ==
        std::vector<std::string>{"residual_1/dense", "residual_1/residual/dense", "residual_1/residual", "residual_1"});
  model.unfreeze("residual_1");
  model.freeze("head");
  CHECK(frozen() == std::vector<std::string>{"head/dense", "head/dense_1"});
  CHECK(error_of<ArgumentError>([&] { model.freeze("resid"); }).find("no layer 'resid', there are: residual/dense, residual, ") ==
        0);
  CHECK(error_of<ArgumentError>([&] { model.unfreeze("residual/"); }).find("no layer 'residual/', there are: ") == 0);
}
