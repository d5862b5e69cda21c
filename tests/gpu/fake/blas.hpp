// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "library.hpp"

namespace fake {

/// cuBLASLt as its manual says, carried out in plain loops, by columns as it counts them. What it has no algorithm for: epilogues
/// in double, and those that a test takes from it.
struct Blas {
  static inline bool has_epilogues = true;
  static inline int products = 0, epilogues = 0;  ///< started so far

  struct Handle {};
  struct Description {
    cublasComputeType_t computation;
    cudaDataType_t scale;
    cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    void* bias = nullptr;
  };
  struct Layout {
    cudaDataType type;
    std::uint64_t rows, columns;
    std::int64_t stride;
    std::size_t scalar() const { return type == CUDA_R_64F ? 8 : 4; }
    std::size_t bytes() const { return static_cast<std::size_t>(stride) * columns * scalar(); }
  };
  struct Preference {
    std::uint64_t workspace = 0;
    std::uint32_t alignment[4] = {256, 256, 256, 256};
  };
  /// What an algorithm was chosen for; it serves nothing else.
  struct Choice {
    std::uint64_t rows, columns, depth, epilogue;
    std::uint64_t alignment[4];
  };
  static_assert(sizeof(Choice) <= sizeof(cublasLtMatmulAlgo_t));
  static constexpr std::size_t workspace = 512;

  static const char* cublasLtGetStatusName(cublasStatus_t status) {
    return status == CUBLAS_STATUS_ALLOC_FAILED ? "CUBLAS_STATUS_ALLOC_FAILED" : "an error of the fake cuBLASLt";
  }
  static std::size_t cublasLtGetVersion() { return CUBLAS_VER_MAJOR * 10000; }
  static cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    if (Driver::forbidden() || !state->current) return CUBLAS_STATUS_NOT_INITIALIZED;
    return *handle = reinterpret_cast<cublasLtHandle_t>(Library::make<Handle>()), CUBLAS_STATUS_SUCCESS;
  }
  static cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy(reinterpret_cast<Handle*>(handle)); }
  template <class Object>
  static cublasStatus_t destroy(Object* object) {
    return Library::destroy(object) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
  }
  template <class Object, class Pointer>
  static Object* own(Pointer pointer) {
    return reinterpret_cast<Object*>(const_cast<std::remove_const_t<std::remove_pointer_t<Pointer>>*>(pointer));
  }

  static cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* description, cublasComputeType_t computation,
                                                 cudaDataType_t scale) {
    auto* const made = Library::make<Description>();
    made->computation = computation;
    made->scale = scale;
    return *description = reinterpret_cast<cublasLtMatmulDesc_t>(made), CUBLAS_STATUS_SUCCESS;
  }
  static cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
    return destroy(own<Description>(description));
  }
  template <class Value>
  static cublasStatus_t read(Value& to, const void* from, std::size_t bytes) {
    if (bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&to, from, bytes);
    return CUBLAS_STATUS_SUCCESS;
  }
  static cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description, cublasLtMatmulDescAttributes_t attribute,
                                                       const void* value, std::size_t bytes) {
    auto* const d = own<Description>(description);
    if (!Library::alive(d)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attribute) {
      case CUBLASLT_MATMUL_DESC_TRANSA: return read(d->transpose_a, value, bytes);
      case CUBLASLT_MATMUL_DESC_TRANSB: return read(d->transpose_b, value, bytes);
      case CUBLASLT_MATMUL_DESC_EPILOGUE: return read(d->epilogue, value, bytes);
      case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return read(d->bias, value, bytes);
      default: return CUBLAS_STATUS_INVALID_VALUE;
    }
  }
  static cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, std::uint64_t rows,
                                                   std::uint64_t columns, std::int64_t stride) {
    if (rows == 0 || columns == 0 || stride < static_cast<std::int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
    auto* const made = Library::make<Layout>();
    *made = {type, rows, columns, stride};
    return *layout = reinterpret_cast<cublasLtMatrixLayout_t>(made), CUBLAS_STATUS_SUCCESS;
  }
  static cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy(own<Layout>(layout)); }
  static cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
    return *preference = reinterpret_cast<cublasLtMatmulPreference_t>(Library::make<Preference>()), CUBLAS_STATUS_SUCCESS;
  }
  static cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    return destroy(own<Preference>(preference));
  }
  static cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                             cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                             std::size_t bytes) {
    auto* const p = own<Preference>(preference);
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return read(p->workspace, value, bytes);
    const int matrix = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
    return matrix >= 0 && matrix < 4 ? read(p->alignment[matrix], value, bytes) : CUBLAS_STATUS_INVALID_VALUE;
  }

  /// Extents of the product, null where the matrices do not fit together.
  static bool fits(const Description& d, const Layout& a, const Layout& b, const Layout& c, Choice& choice) {
    choice.rows = d.transpose_a == CUBLAS_OP_N ? a.rows : a.columns;
    choice.depth = d.transpose_a == CUBLAS_OP_N ? a.columns : a.rows;
    choice.columns = d.transpose_b == CUBLAS_OP_N ? b.columns : b.rows;
    choice.epilogue = d.epilogue;
    const bool wide = a.type == CUDA_R_64F;
    return choice.depth == (d.transpose_b == CUBLAS_OP_N ? b.rows : b.columns) && c.rows == choice.rows &&
           c.columns == choice.columns && a.type == b.type && a.type == c.type && (wide || a.type == CUDA_R_32F) &&
           d.scale == a.type && (d.computation == CUBLAS_COMPUTE_64F) == wide;
  }
  static cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                       cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                       cublasLtMatmulPreference_t preference, int asked,
                                                       cublasLtMatmulHeuristicResult_t* results, int* found) {
    *found = 0;
    if (asked < 1 || !all_alive({handle, description, a, b, c, d, preference})) return CUBLAS_STATUS_INVALID_VALUE;
    Choice choice{};
    if (!fits(*own<Description>(description), *own<Layout>(a), *own<Layout>(b), *own<Layout>(d), choice))
      return CUBLAS_STATUS_INVALID_VALUE;
    const auto& told = *own<Preference>(preference);
    const bool plain = choice.epilogue == CUBLASLT_EPILOGUE_DEFAULT;
    if (told.workspace < workspace || (!plain && (!has_epilogues || own<Layout>(a)->type == CUDA_R_64F)))
      return CUBLAS_STATUS_NOT_SUPPORTED;
    std::copy_n(told.alignment, 4, choice.alignment);
    *results = {};
    std::memcpy(&results->algo, &choice, sizeof choice);
    results->workspaceSize = workspace;
    return *found = 1, CUBLAS_STATUS_SUCCESS;
  }
  static bool all_alive(std::initializer_list<const void*> objects) {
    for (const void* object : objects)
      if (!Library::alive(object)) return false;
    return true;
  }

  static cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void* alpha,
                                       const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                                       cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                                       cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                                       const cublasLtMatmulAlgo_t* algorithm, void* working_memory, std::size_t working_bytes,
                                       cudaStream_t stream) {
    if (!all_alive({handle, description, a_layout, b_layout, c_layout, d_layout}) || !algorithm)
      return CUBLAS_STATUS_INVALID_VALUE;
    const Description what = *own<Description>(description);
    const Layout la = *own<Layout>(a_layout), lb = *own<Layout>(b_layout), ld = *own<Layout>(d_layout);
    Choice now{}, chosen{};
    if (!fits(what, la, lb, ld, now) || c != d) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&chosen, algorithm, sizeof chosen);
    if (chosen.rows != now.rows || chosen.columns != now.columns || chosen.depth != now.depth ||
        chosen.epilogue != now.epilogue || working_bytes < workspace)
      return CUBLAS_STATUS_INVALID_VALUE;
    if (la.type == CUDA_R_64F ? scalar<double>(alpha) != 1 || scalar<double>(beta) != 0
                              : scalar<float>(alpha) != 1 || scalar<float>(beta) != 0)
      return CUBLAS_STATUS_INVALID_VALUE;
    const CUresult status = Driver::enqueue(stream, [=] {
      const std::size_t bias_bytes = what.epilogue == CUBLASLT_EPILOGUE_DEFAULT ? 0 : now.rows * ld.scalar();
      const bool usable =
          Library::usable(a, la.bytes(), chosen.alignment[0]) && Library::usable(b, lb.bytes(), chosen.alignment[1]) &&
          Library::usable(d, ld.bytes(), chosen.alignment[3]) && Library::usable(working_memory, working_bytes, 16) &&
          (bias_bytes == 0 || Library::usable(what.bias, bias_bytes, ld.scalar())) &&
          !Library::overlap(a, la.bytes(), d, ld.bytes()) && !Library::overlap(b, lb.bytes(), d, ld.bytes());
      if (!usable) return CUDA_ERROR_ILLEGAL_ADDRESS;
      std::memset(working_memory, 0xFF, working_bytes);
      ++products;
      epilogues += bias_bytes != 0;
      la.type == CUDA_R_64F ? carry_out<double>(what, now, a, la, b, lb, d, ld)
                            : carry_out<float>(what, now, a, la, b, lb, d, ld);
      return CUDA_SUCCESS;
    });
    return status == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
  }
  template <class T>
  static T scalar(const void* value) {
    return *static_cast<const T*>(value);
  }
  template <class T>
  static void carry_out(const Description& what, const Choice& extents, const void* a, const Layout& la, const void* b,
                        const Layout& lb, void* d, const Layout& ld) {
    const auto at = [](const void* matrix, const Layout& layout, bool transposed, std::uint64_t row, std::uint64_t column) {
      if (transposed) std::swap(row, column);
      return static_cast<double>(static_cast<const T*>(matrix)[column * static_cast<std::uint64_t>(layout.stride) + row]);
    };
    const bool ta = what.transpose_a == CUBLAS_OP_T, tb = what.transpose_b == CUBLAS_OP_T;
    const bool biased = what.epilogue == CUBLASLT_EPILOGUE_BIAS || what.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    T* const bias = static_cast<T*>(what.bias);
    for (std::uint64_t row = 0; row < extents.rows; ++row) {
      for (std::uint64_t column = 0; column < extents.columns; ++column) {
        double sum = biased ? static_cast<double>(bias[row]) : 0;
        for (std::uint64_t k = 0; k < extents.depth; ++k) sum += at(a, la, ta, row, k) * at(b, lb, tb, k, column);
        if (what.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS) sum = sum > 0 ? sum : 0;
        static_cast<T*>(d)[column * static_cast<std::uint64_t>(ld.stride) + row] = static_cast<T>(sum);
      }
      if (what.epilogue == CUBLASLT_EPILOGUE_BGRADA) {
        double sum = 0;
        for (std::uint64_t k = 0; k < extents.depth; ++k) sum += at(a, la, ta, row, k);
        bias[row] = static_cast<T>(sum);
      }
    }
  }
};

tarn::gpu::BlasFunctions blas_table();

}  // namespace fake
