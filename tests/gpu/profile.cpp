// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>
#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../skip.hpp"
#include "../support/profiled.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

namespace {

/// Without a batch norm in front, for which the CPU alone would not form dx.
template <class D>
Sequential<float, D> small() {
  return Sequential<float, D>{Input{8, 8, 1}, Conv2D{.filters = 4, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
                              BatchNorm{},    AvgPool2D{2},
                              Flatten{},      Dense{.units = 3}};
}

}  // namespace

TEST_CASE("A profile tells layer by layer where the GPU's time goes, with the CPU's flops", "[gpu][profile][card]") {
  fake::Device device;
  const Dataset data = support::striped_images(40);
  const FitOptions options{.epochs = 3, .batch_size = 16, .validation = &data};
  Profile on_cpu, on_gpu;
  auto cpu = small<Cpu>();
  auto gpu = small<Gpu>();
  const auto train = [&](auto& model, Profile& profile) {
    Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.momentum = 0.9}, {.profile = &profile}};
    return trainer.fit(data, options);
  };
  const History expected = train(cpu, on_cpu), found = train(gpu, on_gpu);
  CHECK(std::abs(found.epochs[2].training.loss - expected.epochs[2].training.loss) < 1e-5);
  CHECK(on_gpu.on_gpu());
  CHECK_FALSE(on_cpu.on_gpu());

  // Of 9 steps the first of each of the two batch sizes makes plans, of 3 validations the first.
  CHECK(on_gpu.training().passes == 7);
  CHECK(on_gpu.training().samples == 5 * 16 + 2 * 8);
  CHECK(on_gpu.inference().passes == 2);
  CHECK(on_gpu.training().seconds == Approx(support::seconds_of_training(on_gpu)));
  REQUIRE(on_gpu.rows().size() == on_cpu.rows().size());
  for (const auto& row : on_gpu.rows()) {
    INFO(row.name);
    const auto& cpu_row = on_cpu.row(row.name);
    CHECK(row.forward.flops * 120 == Approx(cpu_row.forward.flops * 96));
    CHECK(row.backward.flops * 120 == Approx(cpu_row.backward.flops * 96));
    CHECK(row.inference.flops * 3 == Approx(cpu_row.inference.flops * 2));
    if (row.name == "flatten") continue;
    CHECK(row.forward.passes > 0);
    CHECK(row.forward.seconds > 0);
    CHECK(row.forward.bytes > 0);
    if (!row.type.empty()) CHECK(row.backward.seconds > 0);
  }
  CHECK(on_gpu.row("optimizer").forward.bytes == 7 * 4.0 * 5 * static_cast<double>(gpu.parameters().trainable_count()));
  CHECK(on_gpu.table().find("conv2d ") != std::string::npos);
  if (!fake::on_card()) CHECK(device.gpu->executables.empty());  // no graphs
}

TEST_CASE("Predictions and steps with metrics of one's own are profiled on the GPU too", "[gpu][profile][card]") {
  fake::Device device;
  const Dataset data = support::striped_images(300);
  auto model = small<Gpu>();
  model.predict(data.inputs);
  Profile predicted;
  model.predict(data.inputs, &predicted);
  CHECK(predicted.inference().passes == 1);
  CHECK(predicted.inference().samples == 300);
  CHECK(predicted.row("dense").inference.seconds > 0);

  Profile trained;
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}, {.metrics = {TopK{2}}, .profile = &trained}};
  trainer.fit(data.take(0, 32), {.epochs = 2, .batch_size = 8});
  CHECK(trained.training().passes == 7);
  CHECK(trained.row("conv2d").backward.seconds > 0);
}

#else

TEST_CASE("Profiles of a GPU need the headers of the CUDA toolkit", "[gpu][profile]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
