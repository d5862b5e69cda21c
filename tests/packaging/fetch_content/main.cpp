// SPDX-License-Identifier: MIT
#include <iostream>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

int main() {
  const tarn::Sequential model{tarn::Input{2}, tarn::Dense{.units = 3}};
  const auto outputs = model.predict(tarn::Tensor<float>{{4, 2}});
  std::cout << "Tarn " << tarn::version << ": " << outputs.shape() << '\n';
  return outputs.shape() == tarn::Shape{4, 3} ? 0 : 1;
}
