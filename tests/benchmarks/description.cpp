// SPDX-License-Identifier: MIT
#include "description.hpp"

#include <charconv>
#include <optional>
#include <sstream>

namespace benchmark {

namespace {

using namespace tarn;

/// The whole of `text` as a number; nothing where it is none.
template <class Number>
std::optional<Number> number(const std::string& text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && rest == end ? std::optional{value} : std::nullopt;
}

std::vector<std::string> parts(const std::string& text, char separator) {
  std::vector<std::string> result;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, separator);) result.push_back(part);
  if (text.empty() || text.back() == separator) result.emplace_back();
  return result;
}

std::optional<Activation> find_activation(const std::string& word) {
  if (word == "relu") return ReLU{};
  if (word == "leakyrelu") return LeakyReLU{};
  if (word == "tanh") return Tanh{};
  if (word == "sigmoid") return Sigmoid{};
  if (word == "softmax") return Softmax{};
  return std::nullopt;
}
constexpr const char* activation_words = "relu, leakyrelu, tanh, sigmoid or softmax";

/// The words of one layer, taken one after the other.
class Words {
 public:
  Words(std::size_t layer, const std::string& text) {
    std::istringstream in{text};
    for (std::string word; in >> word;) {
      where_ += (words_.empty() ? "" : " ") + word;
      words_.push_back(word);
    }
    where_ = "layer " + std::to_string(layer) + " (" + where_ + "): ";
  }

  bool empty() const { return next_ == words_.size(); }
  std::string take(const char* what, const char* expected) {
    if (empty()) throw ArgumentError(where_, what, " is missing, expected ", expected);
    return words_[next_++];
  }
  int take_count(const char* what) {
    const std::string word = take(what, "a whole number of at least 1");
    const auto value = number<int>(word);
    if (!value || *value < 1) throw unexpected(what, word, "a whole number of at least 1");
    return *value;
  }
  double take_rate() {
    const std::string word = take("rate", "a number of at least 0 and below 1");
    const auto value = number<double>(word);
    if (!value || !(*value >= 0 && *value < 1)) throw unexpected("rate", word, "a number of at least 0 and below 1");
    return *value;
  }
  Padding take_padding() {
    const std::string word = take("padding", "same or valid");
    if (word != "same" && word != "valid") throw unexpected("padding", word, "same or valid");
    return word == "same" ? Padding::same : Padding::valid;
  }
  Activation take_activation() {
    if (empty()) return Linear{};
    const std::string word = take("activation", activation_words);
    const auto activation = find_activation(word);
    if (!activation) throw unexpected("activation", word, activation_words);
    return *activation;
  }
  ArgumentError unexpected(const char* what, const std::string& word, const char* expected) const {
    return ArgumentError(where_, what, " is '", word, "', expected ", expected);
  }
  void end() {
    if (!empty()) throw ArgumentError(where_, "'", words_[next_], "' is too much, expected the end of the layer");
  }

 private:
  std::vector<std::string> words_;
  std::size_t next_ = 0;
  std::string where_;
};

AnyLayer parse_layer(Words& words) {
  const std::string type = words.take("type", "a layer between two semicolons");
  if (type == "conv") {
    const int filters = words.take_count("filters"), kernel = words.take_count("kernel");
    const Padding padding = words.take_padding();
    return Conv2D{.filters = filters, .kernel = kernel, .padding = padding, .activation = words.take_activation()};
  }
  if (type == "dense") {
    const int units = words.take_count("units");
    return Dense{.units = units, .activation = words.take_activation()};
  }
  if (type == "avgpool") return AvgPool2D{words.take_count("window")};
  if (type == "maxpool") return MaxPool2D{words.take_count("window")};
  if (type == "batchnorm") return BatchNorm{};
  if (type == "dropout") return Dropout{words.take_rate()};
  if (type == "flatten") return Flatten{};
  if (type == "relu") return ReLU{};
  if (type == "leakyrelu") return LeakyReLU{};
  if (type == "tanh") return Tanh{};
  if (type == "sigmoid") return Sigmoid{};
  if (type == "softmax") return Softmax{};
  throw words.unexpected("type", type, "conv, dense, avgpool, maxpool, batchnorm, dropout, flatten or an activation");
}

}  // namespace

Shape parse_input(const std::string& text) {
  const std::vector<std::string> extents = parts(text, 'x');
  if (extents.size() != 1 && extents.size() != 3)
    throw ArgumentError("input '", text, "': ", extents.size(), " extents, expected 1 (784) or 3 (28x28x1)");
  std::vector<Index> values;
  for (const std::string& extent : extents) {
    const auto value = number<int>(extent);
    if (!value || *value < 1)
      throw ArgumentError("input '", text, "': extent '", extent, "', expected a whole number of at least 1");
    values.push_back(*value);
  }
  return values.size() == 1 ? Shape{values[0]} : Shape{values[0], values[1], values[2]};
}

std::vector<AnyLayer> parse_layers(const std::string& text) {
  std::vector<AnyLayer> layers;
  for (const std::string& part : parts(text, ';')) {
    Words words{layers.size(), part};
    layers.push_back(parse_layer(words));
    words.end();
  }
  return layers;
}

}  // namespace benchmark
