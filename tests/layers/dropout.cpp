// SPDX-License-Identifier: MIT
#include <tarn/layers/dropout.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::Values;

namespace {

/// The mask by its definition, element by element.
Values expected_mask(double rate, const Stream& stream, Index samples, Index elements) {
  Values mask;
  for (Index sample = 0; sample < samples; ++sample)
    for (Index element = 0; element < elements; ++element) mask.push_back(stream.word(element, sample) >= rate * 0x1p32);
  return mask;
}

Values mask_of(const Shape& sample, const std::vector<support::AnySpec>& specs, Index batch, const support::Pass& pass) {
  const Values ones(static_cast<std::size_t>(batch * sample.size()), 1.0);
  Values mask = support::run<double>(Input{sample}, specs, {}, ones, {}, pass).y;
  for (double& value : mask) value = value != 0;
  return mask;
}

}  // namespace

TEMPLATE_TEST_CASE("Dropout drops what its stream says, on every instruction set and number of threads", "[layers][dropout]",
                   float, double) {
  const Index elements = 5 * 3 * 7;
  for (const int threads : {1, 3})
    for (const double rate : {0.2, 0.5, 0.9})
      for (const Index batch : {1, 3, 17, 33}) {
        const support::Threads scope{threads};
        Values x, dy, expected_y, expected_dx;
        const Values mask = expected_mask(rate, Stream{42, Purpose::layer, 1, 6}, batch, elements);
        const double scale = static_cast<double>(static_cast<TestType>(1 / (1 - rate)));
        for (std::size_t i = 0; i < mask.size(); ++i) {
          x.push_back(static_cast<double>(i) + 1);
          dy.push_back(0.5 * static_cast<double>(i) - 3);
          expected_y.push_back(static_cast<double>(static_cast<TestType>(mask[i] * x[i] * scale)));
          expected_dx.push_back(static_cast<double>(static_cast<TestType>(mask[i] * dy[i] * scale)));
        }
        const auto run = support::run<TestType>(Input{5, 3, 7}, {Flatten{}, Dropout{rate}}, {}, x, dy, {.seed = 42, .step = 6});
        CHECK(run.y == expected_y);
        CHECK(run.dx == expected_dx);
      }
}

TEST_CASE("Dropout keeps the share that it should", "[layers][dropout]") {
  for (const double rate : {0.0, 0.1, 0.5, 0.8}) {
    const Index n = 50 * 1000;
    const Values mask = mask_of({1000}, {Dropout{rate}}, 50, {.seed = 3});
    const double kept = static_cast<double>(std::count(mask.begin(), mask.end(), 1.0)), sigma = std::sqrt(rate * (1 - rate) * n);
    CHECK(std::abs(kept - (1 - rate) * n) <= 5 * sigma);
  }
}

TEST_CASE("Dropout is a function of seed, step, layer and sample", "[layers][dropout]") {
  const Shape sample{64};
  const auto mask = mask_of(sample, {Dropout{0.5}}, 4, {.seed = 1, .step = 2});
  CHECK(mask == mask_of(sample, {Dropout{0.5}}, 4, {.seed = 1, .step = 2}));
  CHECK(mask != mask_of(sample, {Dropout{0.5}}, 4, {.seed = 2, .step = 2}));
  CHECK(mask != mask_of(sample, {Dropout{0.5}}, 4, {.seed = 1, .step = 3}));
  CHECK(mask != mask_of(sample, {Dropout{0}, Dropout{0.5}}, 4, {.seed = 1, .step = 2}));
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < i; ++j)
      CHECK_FALSE(std::equal(mask.begin() + i * 64, mask.begin() + (i + 1) * 64, mask.begin() + j * 64));
  const auto larger = mask_of(sample, {Dropout{0.5}}, 9, {.seed = 1, .step = 2});
  CHECK(std::equal(mask.begin(), mask.end(), larger.begin()));  // the batch size changes nothing
}

TEST_CASE("Dropout is the identity in inference and at rate 0", "[layers][dropout]") {
  const Values x{1, -2, 3, 4};
  CHECK(support::run<float>(Input{2}, {Dropout{0.9}}, {}, x, {}, {.training = false}).y == x);
  const auto run = support::run<float>(Input{2}, {Dropout{0}}, {}, x, {5, 6, 7, 8});
  CHECK(run.y == x);
  CHECK(run.dx == Values{5, 6, 7, 8});
}

TEST_CASE("The gradients of Dropout agree with differences under one mask", "[layers][dropout]") {
  for (const Index batch : {1, 5, 17}) {
    const auto report = support::check_gradients(
        Input{3, 2, 2}, {Dropout{0.3}, Flatten{}, Dense{.units = 4, .activation = Tanh{}}, Dropout{0.5}}, {.batch = batch});
    INFO(report);
    CHECK(report.passed());
  }
}

TEST_CASE("Dropout wants a rate below 1", "[layers][dropout]") {
  const auto built = [](double rate) { return [=] { support::model<float>(Input{2}, {Dropout{rate}}); }; };
  CHECK(error_of<ArgumentError>(built(1)) == "layer 0 (dropout): Dropout: rate is 1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(built(-0.5)) == "layer 0 (dropout): Dropout: rate is -0.5, expected at least 0 and below 1");
  Batch<float> none;
  CHECK(error_of<ArgumentError>([&] {
          ops::dropout(none, std::nan(""), false, Stream{1, Purpose::layer, 0}, none);
        }) == "dropout: rate is nan, expected at least 0 and below 1");
}

TEMPLATE_TEST_CASE("Dropout per channel drops whole feature maps", "[layers][dropout]", float, double) {
  const Index height = 3, width = 5, channels = 7;
  for (const Index batch : {1, 3, 17, 33}) {
    const Values mask = expected_mask(0.5, Stream{9, Purpose::layer, 0, 2}, batch, channels);
    Values x, dy, expected_y, expected_dx;
    for (Index i = 0; i < batch * height * width * channels; ++i) {
      x.push_back(static_cast<double>(i % 13 - 6));
      dy.push_back(static_cast<double>(i % 11 + 1));
      const double kept = mask[static_cast<std::size_t>(i / (height * width * channels) * channels + i % channels)];
      expected_y.push_back(2 * kept * x.back());
      expected_dx.push_back(2 * kept * dy.back());
    }
    const auto run = support::run<TestType>(Input{height, width, channels}, {Dropout{.rate = 0.5, .per_channel = true}}, {}, x,
                                            dy, {.training = true, .seed = 9, .step = 2});
    CHECK(run.y == expected_y);
    CHECK(run.dx == expected_dx);
  }
}
