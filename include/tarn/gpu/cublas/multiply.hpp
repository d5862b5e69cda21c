// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <tuple>

#include <tarn/gpu/context.hpp>

namespace tarn::gpu {

/// c = op(a) op(b), row-major: op(a) [rows, depth], op(b) [depth, columns], c [rows, columns]. A transposed matrix stands in memory
/// as [depth, rows] or [columns, depth].
struct Product {
  /// `bias`, and then `relu`: c = relu(op(a) op(b) + bias), a bias a column. `bias_gradient`: bias[j] = sum over i of op(b)[i, j].
  enum class Epilogue { none, bias, relu, bias_gradient };

  ScalarType memory = ScalarType::f32;
  ScalarType computation = ScalarType::f32;
  Index rows = 1, columns = 1, depth = 1;
  bool transpose_a = false, transpose_b = false;
  Epilogue epilogue = Epilogue::none;
  int alignment = 16;  ///< bytes, of all pointers

  std::string to_string() const {
    return tarn::detail::join({"product in ", gpu::to_string(memory), " of ", Shape{rows, depth}.to_string(), " and ",
                               Shape{depth, columns}.to_string()});
  }
};

#if TARN_GPU_HEADERS
inline namespace with_toolkit {

namespace detail {

/// Something of cuBLASLt's that is created and destroyed.
template <class Pointer, auto Destroy>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : pointer_{std::exchange(other.pointer_, nullptr)} {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }
  ~Owned() {
    if (pointer_) (functions<BlasFunctions>().*Destroy).raw(pointer_);
  }
  Pointer* address() { return &pointer_; }
  Pointer get() const { return pointer_; }

 private:
  Pointer pointer_ = nullptr;
};
using MatrixLayout = Owned<cublasLtMatrixLayout_t, &BlasFunctions::cublasLtMatrixLayoutDestroy>;

}  // namespace detail

/// cuBLASLt for a context, and the algorithms chosen so far. It takes matrices by columns: a row-major product is that of the
/// transposed ones, the other way round.
class Products {
 public:
  explicit Products(Context& context) : context_{context}, blas_{functions<BlasFunctions>()} { blas_.cublasLtCreate(&handle_); }
  ~Products() {
    plans_.clear();
    blas_.cublasLtDestroy.raw(handle_);
  }
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  /// False where no algorithm has the epilogue: then nothing was started.
  bool start(const Product& product, const void* a, const void* b, void* c, void* bias) {
    Plan& plan = plan_of(product, bias);
    if (!plan.supported) return false;
    if (bias) set_bias(plan, bias);
    const double one = 1, zero = 0;
    const float single_one = 1, single_zero = 0;
    const bool wide = product.computation == ScalarType::f64;
    void* const workspace = plan.workspace > 0 ? context_.scratch(plan.workspace) : nullptr;
    blas_.cublasLtMatmul(handle_, plan.product.get(), wide ? static_cast<const void*>(&one) : &single_one, b, plan.b.get(), a,
                         plan.a.get(), wide ? static_cast<const void*>(&zero) : &single_zero, c, plan.c.get(), c, plan.c.get(),
                         &plan.algorithm, workspace, plan.workspace, context_.stream());
    return true;
  }

 private:
  static constexpr std::size_t most_workspace = std::size_t{32} << 20;  // what NVIDIA advises for its larger GPUs

  using Key = std::array<Index, 10>;
  struct Plan {
    bool supported = false;
    detail::Owned<cublasLtMatmulDesc_t, &BlasFunctions::cublasLtMatmulDescDestroy> product;
    detail::MatrixLayout a, b, c;
    cublasLtMatmulAlgo_t algorithm{};
    std::size_t workspace = 0;
  };

  Plan& plan_of(const Product& p, void* bias) {
    const Key key{static_cast<Index>(p.memory),
                  static_cast<Index>(p.computation),
                  p.rows,
                  p.columns,
                  p.depth,
                  p.transpose_a,
                  p.transpose_b,
                  static_cast<Index>(p.epilogue),
                  p.alignment,
                  context_.math.tf32};
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    context_.prepare("planning the " + p.to_string());
    return plans_[key] = make(p, bias);
  }

  Plan make(const Product& p, void* bias) const {
    Plan plan;
    const bool wide = p.computation == ScalarType::f64;
    const cublasComputeType_t computation = wide                                                ? CUBLAS_COMPUTE_64F
                                            : p.memory == ScalarType::f32 && context_.math.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                                                : CUBLAS_COMPUTE_32F;
    blas_.cublasLtMatmulDescCreate(plan.product.address(), computation, wide ? CUDA_R_64F : CUDA_R_32F);
    set(plan, CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(plan, CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    constexpr cublasLtEpilogue_t epilogues[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS,
                                                CUBLASLT_EPILOGUE_BGRADA};
    set(plan, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogues[static_cast<int>(p.epilogue)]);
    if (bias) set_bias(plan, bias);
    create_layout(plan.b, p, p.transpose_b ? p.columns : p.depth, p.transpose_b ? p.depth : p.columns);
    create_layout(plan.a, p, p.transpose_a ? p.depth : p.rows, p.transpose_a ? p.rows : p.depth);
    create_layout(plan.c, p, p.rows, p.columns);

    detail::Owned<cublasLtMatmulPreference_t, &BlasFunctions::cublasLtMatmulPreferenceDestroy> preference;
    blas_.cublasLtMatmulPreferenceCreate(preference.address());
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      blas_.cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof value);
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most_workspace);
    for (const auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                 CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      prefer(attribute, static_cast<std::uint32_t>(p.alignment));
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const cublasStatus_t status = blas_.cublasLtMatmulAlgoGetHeuristic.raw(
        handle_, plan.product.get(), plan.b.get(), plan.a.get(), plan.c.get(), plan.c.get(), preference.get(), 1, &best, &found);
    plan.supported = status == CUBLAS_STATUS_SUCCESS && found > 0;
    if (status != CUBLAS_STATUS_SUCCESS && status != CUBLAS_STATUS_NOT_SUPPORTED)
      throw failed_call("cublasLtMatmulAlgoGetHeuristic", status_name(status), status, SourceLocation::current());
    if (!plan.supported && p.epilogue == Product::Epilogue::none)
      throw DeviceError("cublas: no algorithm for the ", p.to_string());
    plan.algorithm = best.algo;
    plan.workspace = best.workspaceSize;
    return plan;
  }
  /// Of a row-major matrix, by columns.
  void create_layout(detail::MatrixLayout& layout, const Product& p, Index rows, Index columns) const {
    constexpr cudaDataType types[] = {CUDA_R_32F, CUDA_R_64F, CUDA_R_16BF, CUDA_R_16F};
    blas_.cublasLtMatrixLayoutCreate(layout.address(), types[static_cast<int>(p.memory)], static_cast<std::uint64_t>(columns),
                                     static_cast<std::uint64_t>(rows), columns);
  }
  template <class Value>
  void set(const Plan& plan, cublasLtMatmulDescAttributes_t attribute, const Value& value) const {
    blas_.cublasLtMatmulDescSetAttribute(plan.product.get(), attribute, &value, sizeof value);
  }
  void set_bias(const Plan& plan, void* bias) const { set(plan, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias); }

  Context& context_;
  const BlasFunctions& blas_;
  cublasLtHandle_t handle_ = nullptr;
  std::map<Key, Plan> plans_;
};

/// False where no algorithm has the epilogue: then nothing was started. Throws DeviceError, and StateError where a product comes up
/// first while a graph is captured.
inline bool multiply(Context& context, const Product& product, const void* a, const void* b, void* c, void* bias = nullptr) {
  return context.part<Products>().start(product, a, b, c, bias);
}

}  // namespace with_toolkit
#else
inline namespace without_toolkit {

inline bool multiply(Context&, const Product&, const void*, const void*, void*, void* = nullptr) { return false; }

}  // namespace without_toolkit
#endif

}  // namespace tarn::gpu
