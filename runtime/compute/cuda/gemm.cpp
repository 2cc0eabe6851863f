// Matrix products by cuBLASLt. The first algorithm that its heuristic names for a shape is kept, so every plan of a
// program computes with the same one.
#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "compute/cuda/compute.hpp"

namespace chunkflow {
namespace {

void check(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw RunError("cuBLASLt: " + what + ": " + cublasLtGetStatusString(status));
}

/// What the algorithm is chosen by: sizes and strides, accumulation, bias, and the alignment in bytes of each operand.
using Key = std::array<std::int64_t, 12>;

/// The largest power of two that divides the address, at most 256, which is as much as cuBLASLt asks about.
std::uint32_t alignmentOf(const void* pointer) {
  constexpr std::uintptr_t MOST = 256;
  const auto address = reinterpret_cast<std::uintptr_t>(pointer) | MOST;
  return static_cast<std::uint32_t>(address & (~address + 1));
}

std::string describe(const GemmShape& shape) {
  return "[" + std::to_string(shape.rows) + ", " + std::to_string(shape.in) + "] x [" + std::to_string(shape.out) +
         ", " + std::to_string(shape.in) + "]^T with strides " + std::to_string(shape.inStride) + ", " +
         std::to_string(shape.weightStride) + ", " + std::to_string(shape.outStride);
}

/// A matrix as cuBLASLt sees it: ours are row-major, so it sees them transposed.
class Layout {
 public:
  Layout(std::int64_t rows, std::int64_t columns, std::int64_t stride) {
    check(cublasLtMatrixLayoutCreate(&layout_, CUDA_R_16BF, rows, columns, stride), "layout");
  }
  ~Layout() { cublasLtMatrixLayoutDestroy(layout_); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  cublasLtMatrixLayout_t get() const { return layout_; }

 private:
  cublasLtMatrixLayout_t layout_ = nullptr;
};

class Operation {
 public:
  Operation() { check(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "operation"); }
  ~Operation() { cublasLtMatmulDescDestroy(operation_); }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  cublasLtMatmulDesc_t get() const { return operation_; }
  template <typename Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value), "operation attribute");
  }

 private:
  cublasLtMatmulDesc_t operation_ = nullptr;
};

class Preference {
 public:
  Preference() { check(cublasLtMatmulPreferenceCreate(&preference_), "preference"); }
  ~Preference() { cublasLtMatmulPreferenceDestroy(preference_); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;
  cublasLtMatmulPreference_t get() const { return preference_; }
  template <typename Value>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof value), "preference attribute");
  }

 private:
  cublasLtMatmulPreference_t preference_ = nullptr;
};

/// One shape, ready to run: out^T = weight x in^T, all of them column-major.
struct Product {
  explicit Product(const GemmShape& shape)
      : weight(shape.in, shape.out, shape.weightStride),
        in(shape.in, shape.rows, shape.inStride),
        out(shape.out, shape.rows, shape.outStride) {}
  Operation operation;
  Layout weight, in, out;
  cublasLtMatmulAlgo_t algorithm{};
};

}  // namespace

class GemmLibrary {
 public:
  GemmLibrary() { check(cublasLtCreate(&handle_), "handle"); }
  ~GemmLibrary() { cublasLtDestroy(handle_); }
  GemmLibrary(const GemmLibrary&) = delete;
  GemmLibrary& operator=(const GemmLibrary&) = delete;

  void run(const Compute& compute, const GemmShape& shape, const bf16* in, const bf16* weight, const bf16* bias,
           bf16* out) {
    const DeviceBuffer& workspace = *compute.impl().workspace;
    Product& product = find(shape, in, weight, bias, out, workspace.bytes());
    if (bias != nullptr) product.operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    const float alpha = 1.0f;
    const float beta = shape.accumulate ? 1.0f : 0.0f;
    const cublasStatus_t status =
        cublasLtMatmul(handle_, product.operation.get(), &alpha, weight, product.weight.get(), in, product.in.get(),
                       &beta, out, product.out.get(), out, product.out.get(), &product.algorithm, workspace.data(),
                       workspace.bytes(), cudaStreamOf(compute));
    if (status != CUBLAS_STATUS_SUCCESS) check(status, describe(shape));
  }

 private:
  Product& find(const GemmShape& shape, const bf16* in, const bf16* weight, const bf16* bias, const bf16* out,
                std::size_t workspaceBytes) {
    const Key key{shape.rows,         shape.in,         shape.out,           bias != nullptr,
                  shape.inStride,     shape.outStride,  alignmentOf(in),     alignmentOf(out),
                  shape.weightStride, shape.accumulate, alignmentOf(weight), alignmentOf(bias)};
    const auto found = products_.find(key);
    if (found != products_.end()) return *found->second;
    auto product = choose(shape, in, weight, bias, out, workspaceBytes);
    return *products_.emplace(key, std::move(product)).first->second;
  }

  std::unique_ptr<Product> choose(const GemmShape& shape, const bf16* in, const bf16* weight, const bf16* bias,
                                  const bf16* out, std::size_t workspaceBytes) {
    auto product = std::make_unique<Product>(shape);
    product->operation.set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    product->operation.set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
    if (bias != nullptr) {
      product->operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      product->operation.set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_16BF);
      product->operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }

    Preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{workspaceBytes});
    // Partial sums that are added in place are added in any order: the last bits would differ from run to run.
    preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                   static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_MASK & ~CUBLASLT_REDUCTION_SCHEME_INPLACE));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignmentOf(weight));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignmentOf(in));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignmentOf(out));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignmentOf(out));

    constexpr int ASKED = 8;
    std::array<cublasLtMatmulHeuristicResult_t, ASKED> results{};
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        handle_, product->operation.get(), product->weight.get(), product->in.get(), product->out.get(),
        product->out.get(), preference.get(), ASKED, results.data(), &count);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "algorithm for " + describe(shape));
    const auto fits = std::find_if(results.begin(), results.begin() + count, [&](const auto& result) {
      return result.state == CUBLAS_STATUS_SUCCESS && result.workspaceSize <= workspaceBytes;
    });
    if (fits == results.begin() + count) {
      throw RunError("cuBLASLt has no algorithm for " + describe(shape) + " with a workspace of " +
                     std::to_string(workspaceBytes) +
                     " bytes; give it a larger workspace or a stride that is a multiple of 8");
    }
    product->algorithm = fits->algo;
    return product;
  }

  cublasLtHandle_t handle_ = nullptr;
  std::map<Key, std::unique_ptr<Product>> products_;
};

std::shared_ptr<GemmLibrary> openGemmLibrary() { return std::make_shared<GemmLibrary>(); }

std::string gemmLibraryVersion() {
  const std::size_t version = cublasLtGetVersion();
  return "cuBLASLt " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

void gemm(Compute& compute, const GemmShape& shape, const bf16* in, const bf16* weight, const bf16* bias, bf16* out) {
  if (shape.rows == 0 || shape.out == 0) return;
  compute.impl().gemms->run(compute, shape, in, weight, bias, out);
}

}  // namespace chunkflow
