// SPDX-License-Identifier: MIT
#include <tarn/io/weights.hpp>

#include <iterator>
#include <tarn/tarn.hpp>

#include "../support/compare.hpp"
#include "reference.hpp"

namespace fs = files::fs;
using namespace tarn;
using files::quoted;
using files::TemporaryFolder;
using support::error_of;

namespace {

/// With the names and shapes of weights_*.safetensors.
template <class T>
Sequential<T> model() {
  return Sequential<T>{Input{3}, Dense{.units = 2}, BatchNorm{}};
}

/// All numbers of a model, state included.
template <class T>
std::vector<T> numbers(const Sequential<T>& model) {
  const auto trainable = model.parameters().trainable(), state = model.parameters().state();
  std::vector<T> all(trainable.begin(), trainable.end());
  all.insert(all.end(), state.begin(), state.end());
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("Saved weights are loaded bit for bit", "[io][weights]", float, double) {
  TemporaryFolder folder;
  auto first = model<TestType>(), second = model<TestType>();
  first.initialize(7);
  first.weights("batch_norm/moving_mean")[1] = TestType(0.1);
  REQUIRE(numbers(first) != numbers(second));
  io::save_weights(first, folder / "weights.safetensors", {{"epoch", "3"}});
  CHECK(io::load_weights(second, folder / "weights.safetensors") == io::Metadata{{"epoch", "3"}});
  CHECK(numbers(first) == numbers(second));
  const Tensor<TestType> x{{2, 3}, {1, 2, 3, -1, 0, 1}};
  CHECK(support::same_bits(first.predict(x), second.predict(x)));
}

TEMPLATE_TEST_CASE("Weights of every floating type of the Python package are loaded", "[io][weights]", float, double) {
  const struct {
    const char* type;
    double tolerance;
  } cases[]{{"f64", sizeof(TestType) == 8 ? 1e-300 : 0x1p-24}, {"f32", 0x1p-24}, {"f16", 0x1p-11}, {"bf16", 0x1p-8}};
  for (const auto& [type, tolerance] : cases) {
    auto loaded = model<TestType>();
    io::load_weights(loaded, reference::folder / ("weights_" + std::string{type} + ".safetensors"));
    const auto check = [&, tolerance = tolerance](const char* name, int salt) {
      const auto got = loaded.weights(name);
      std::vector<double> expected;
      for (Index i = 0; i < got.size(); ++i)
        expected.push_back(std::abs(reference::value(i, salt)) * (salt == 11 ? 1 : reference::value(i, salt) < 0 ? -1 : 1));
      CHECK(support::relative_error(got, expected) <= tolerance);
    };
    check("dense/kernel", 6);
    check("dense/bias", 7);
    check("batch_norm/gamma", 8);
    check("batch_norm/beta", 9);
    check("batch_norm/moving_mean", 10);
    check("batch_norm/moving_variance", 11);
  }
}

TEST_CASE("Weights of one scalar are loaded into a model of the other", "[io][weights]") {
  TemporaryFolder folder;
  auto narrow = model<float>();
  auto wide = model<double>();
  narrow.initialize(3);
  io::save_weights(narrow, folder / "file");
  io::load_weights(wide, folder / "file");
  CHECK(wide.weights("dense/kernel")[4] == static_cast<double>(narrow.weights("dense/kernel")[4]));
  wide.weights("dense/kernel")[4] = 0.1;
  io::save_weights(wide, folder / "file");
  io::load_weights(narrow, folder / "file");
  CHECK(narrow.weights("dense/kernel")[4] == 0.1F);
}

TEST_CASE("Weights that do not fit are all listed and change nothing", "[io][weights]") {
  TemporaryFolder folder;
  const fs::path path = folder / "weights.safetensors";
  const Tensor<float> kernel{{2, 3}}, bias{{2}}, more{{3}};
  const Tensor<std::int64_t> steps{{2}};
  io::write_safetensors(path, {{"dense/kernel", kernel},
                               {"dense/bias", bias},
                               {"batch_norm/gamma", steps},
                               {"batch_norm/moving_mean", bias},
                               {"dense_1/kernel", more},
                               {"dense_1/bias", more}});
  auto target = model<float>();
  target.initialize(5);
  const std::vector<float> before = numbers(target);
  CHECK(error_of<IoError>([&] { io::load_weights(target, path); }) ==
        "load_weights: file " + quoted(path) +
            " does not fit, and nothing was loaded:\n"
            "  dense/kernel: found [2, 3], expected [3, 2]\n"
            "  batch_norm/gamma: found I64, expected F16, BF16, F32 or F64\n"
            "  batch_norm/beta: missing, expected [2]\n"
            "  batch_norm/moving_variance: missing, expected [2]\n"
            "  dense_1/bias: superfluous, [3]\n"
            "  dense_1/kernel: superfluous, [3]");
  CHECK(numbers(target) == before);
}

TEST_CASE("A number that a model's scalar does not have changes nothing", "[io][weights]") {
  TemporaryFolder folder;
  auto wide = model<double>();
  wide.weights("batch_norm/moving_variance")[1] = 1e300;
  io::save_weights(wide, folder / "file");
  auto narrow = model<float>();
  narrow.initialize(5);
  const std::vector<float> before = numbers(narrow);
  CHECK(error_of<IoError>([&] { io::load_weights(narrow, folder / "file"); }) ==
        "safetensors file " + quoted(folder / "file") +
            ": tensor \"batch_norm/moving_variance\", element 1 is 1e+300, expected at most 3.4028234663852886e+38 in magnitude");
  CHECK(numbers(narrow) == before);
}

TEST_CASE("Any tensors by name can be saved and loaded", "[io][weights]") {
  TemporaryFolder folder;
  Tensor<double> velocity{{3}, {1, 2, 3}}, moment{{2, 1}, {4, 5}};
  io::write_safetensors(folder / "slots", {{"sgd/velocity", velocity.view()}, {"sgd/moment", moment.view()}});
  Tensor<double> other{{3}}, another{{2, 1}};
  io::load_tensors<double>(folder / "slots", {{"sgd/velocity", other}, {"sgd/moment", another}});
  CHECK(support::same_bits(other, velocity));
  CHECK(support::same_bits(another, moment));
  CHECK(error_of<ArgumentError>([&] {
          io::load_tensors<double>(folder / "slots", {{"sgd/velocity", other}, {"sgd/velocity", other}});
        }) == "load_tensors: tensor \"sgd/velocity\" comes twice");
  CHECK(error_of<IoError>([&] {
          io::load_tensors<double>(folder / "slots", {{"sgd/velocity", other}}, "optimizer");
        }) == "optimizer: file " + quoted(folder / "slots") +
                  " does not fit, and nothing was loaded:\n  sgd/moment: superfluous, [2, 1]");
}

TEST_CASE("Weights that cannot be saved leave the old file", "[io][weights]") {
  TemporaryFolder folder;
  const auto some = model<float>();
  CHECK(error_of<IoError>([&] { io::save_weights(some, folder / "none" / "file"); }) ==
        "file " + quoted(folder / "none" / "file") + ": cannot be written (No such file or directory)");
  io::save_weights(some, folder / "file");
  CHECK_THROWS_AS(io::save_weights(some, folder / "file", {{"bad", "\xff"}}), ArgumentError);
  CHECK_NOTHROW(io::read_safetensors(folder / "file"));
  CHECK(std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}) == 1);
}
