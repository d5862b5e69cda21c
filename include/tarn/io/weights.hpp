// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <tarn/io/safetensors.hpp>
#include <tarn/layers/sequential.hpp>

namespace tarn::io {

/// A tensor that is read into, with the name that it is stored by.
template <class T>
struct NamedTarget {
  std::string name;
  TensorView<T, Cpu> values;
};

/// Reads a file into tensors in memory: weights, or the slots of an optimizer. All or nothing: the file must hold these names, no
/// other one, each with its shape and as F16, BF16, F32 or F64; else IoError lists every tensor that does not fit, and no element
/// has changed. Throws also as `read_safetensors`, and ArgumentError for a name that comes twice in `targets`. Returns the metadata.
/// `where` opens the error.
template <class T>
Metadata load_tensors(const std::filesystem::path& path, const std::vector<NamedTarget<T>>& targets,
                      const std::string& where = "load_tensors") {
  const Safetensors file = read_safetensors(path);
  std::string complaints;
  const auto complain = [&](std::initializer_list<tarn::detail::TextPart> parts) {
    complaints += "\n  " + tarn::detail::join(parts);
  };
  std::set<std::string> known;
  std::vector<Tensor<T>> staged;
  for (const NamedTarget<T>& target : targets) {
    if (!known.insert(target.name).second) throw ArgumentError(where, ": tensor \"", target.name, "\" comes twice");
    const Safetensors::Entry* entry = file.find(target.name);
    if (!entry) {
      complain({target.name, ": missing, expected ", target.values.shape().to_string()});
    } else if (entry->shape != target.values.shape()) {
      complain({target.name, ": found ", entry->shape.to_string(), ", expected ", target.values.shape().to_string()});
    } else if (!is_floating(entry->type)) {
      complain({target.name, ": found ", name_of(entry->type), ", expected F16, BF16, F32 or F64"});
    } else {
      staged.push_back(file.tensor<T>(target.name));
    }
  }
  for (const Safetensors::Entry& entry : file.entries())
    if (!known.contains(entry.name)) complain({entry.name, ": superfluous, ", entry.shape.to_string()});
  if (!complaints.empty())
    throw IoError(where, ": file ", data::detail::quoted(path), " does not fit, and nothing was loaded:", complaints);
  for (std::size_t i = 0; i < targets.size(); ++i) std::copy(staged[i].begin(), staged[i].end(), targets[i].values.begin());
  return file.metadata();
}

/// Writes all parameters and state (such as moving means) of a model by name, as in "conv2d_1/kernel": the layouts are Keras's,
/// [kh, kw, in, out] and [in, out]. Throws as `write_safetensors`.
template <class T, class D>
  requires(std::is_same_v<HostOf<D>, Cpu>)
void save_weights(const Sequential<T, D>& model, const std::filesystem::path& path, const Metadata& metadata = {}) {
  const Parameters<T, D>& parameters = model.parameters();
  const auto trainable = ops::to_host(parameters.trainable()), state = ops::to_host(parameters.state());
  std::vector<NamedTensor> tensors;
  for (const auto& [name, p, initializer] : parameters.entries())
    tensors.emplace_back(name, TensorView<const T, Cpu>{p.trainable ? trainable : state}.part(p.offset, p.shape));
  write_safetensors(path, std::move(tensors), metadata);
}

/// Reads what `save_weights` wrote, into a model of the same layers; F16, BF16, F32 and F64 convert to the model's own scalar.
/// Strict, all or nothing, and throws as `load_tensors`: a model is never half loaded. Returns the file's metadata.
template <class T>
Metadata load_weights(Sequential<T, Cpu>& model, const std::filesystem::path& path) {
  std::vector<NamedTarget<T>> targets;
  for (const ParameterInfo& entry : model.parameters().entries())
    targets.push_back({entry.name, model.parameters()[entry.parameter]});
  return load_tensors(path, targets, "load_weights");
}
/// The same into a model on the GPU.
template <class T>
Metadata load_weights(Sequential<T, Gpu>& model, const std::filesystem::path& path) {
  Parameters<T, Gpu>& parameters = model.parameters();
  Tensor<T> trainable{Shape{parameters.trainable_count()}}, state{Shape{parameters.state_count()}};
  std::vector<NamedTarget<T>> targets;
  for (const auto& [name, p, initializer] : parameters.entries())
    targets.push_back({name, (p.trainable ? trainable : state).view().part(p.offset, p.shape)});
  Metadata metadata = load_tensors(path, targets, "load_weights");
  ops::upload<T>(trainable.view(), parameters.trainable());
  ops::upload<T>(state.view(), parameters.state());
  return metadata;
}

}  // namespace tarn::io
