// SPDX-License-Identifier: MIT
#pragma once

/// Declarations for headers that only name these types. Template arguments have their defaults where the types are defined,
/// so here all are given: `Sequential<float, Cpu>`.
namespace tarn {

class Error;
class ShapeError;
class ArgumentError;
class StateError;
class IoError;
class DeviceError;

struct Cpu;
struct CpuModels;
struct Gpu;
class Shape;
template <class T, class D>
class Tensor;
template <class T, class D>
class TensorView;
template <class T, class D>
class Batch;
template <class T, class D>
class Parameters;

template <class T, class D>
class Layer;
template <class T, class D>
class LayerSpec;
template <class T, class D>
class Sequential;
template <class T, class D>
class Workspace;
template <class T>
class Ensemble;

class Callback;
struct FitOptions;
struct History;
template <class T, class D, class Loss, class Optimizer>
class Trainer;
template <class T, class Loss, class Optimizer>
class EnsembleTrainer;

class Samples;
struct Dataset;

}  // namespace tarn
