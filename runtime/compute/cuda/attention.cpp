// Attention by cuDNN's graph interface. The only file that includes cudnn-frontend, which takes long to compile.
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.hpp"
#include "compute/cuda/compute.hpp"

namespace chunkflow {
namespace {

namespace frontend = cudnn_frontend;

constexpr std::int64_t Q = 1, K = 2, V = 3, OUT = 4;  // names of the tensors in a graph

using Key = std::array<std::int64_t, 8>;

std::string describe(const AttentionShape& shape) {
  return "attention of " + std::to_string(shape.queryRows) + " rows over " + std::to_string(shape.keyRows) + " rows, " +
         std::to_string(shape.heads) + " heads of " + std::to_string(shape.headDim);
}

void check(cudnnStatus_t status, const std::string& what) {
  if (status != CUDNN_STATUS_SUCCESS) throw RunError("cuDNN: " + what + ": " + cudnnGetErrorString(status));
}

/// @throws RunError in one line, whatever the library's text looks like.
void check(frontend::error_object error, const std::string& what) {
  if (error.is_good()) return;
  std::string words = error.get_message();
  for (char& letter : words) {
    if (letter == '\n' || letter == '\r') letter = ' ';
  }
  throw RunError("cuDNN cannot do " + what + ": " + words);
}

/// A matrix [rows, heads, headDim] as cuDNN wants it described: [1, heads, rows, headDim].
frontend::graph::Tensor_attributes tensor(std::int64_t name, std::int64_t rows, std::int64_t stride,
                                          const AttentionShape& shape) {
  return frontend::graph::Tensor_attributes()
      .set_uid(name)
      .set_dim({1, shape.heads, rows, shape.headDim})
      .set_stride({rows * stride, shape.headDim, stride, 1})
      .set_data_type(frontend::DataType_t::BFLOAT16);
}

}  // namespace

class AttentionLibrary {
 public:
  explicit AttentionLibrary(cudaStream_t stream) {
    check(cudnnCreate(&handle_), "handle");
    check(cudnnSetStream(handle_, stream), "stream");
  }
  ~AttentionLibrary() {
    graphs_.clear();
    if (handle_ != nullptr) cudnnDestroy(handle_);
  }
  AttentionLibrary(const AttentionLibrary&) = delete;
  AttentionLibrary& operator=(const AttentionLibrary&) = delete;

  void run(const Compute& compute, const AttentionShape& shape, const bf16* q, const bf16* k, const bf16* v,
           bf16* out) {
    const DeviceBuffer& workspace = *compute.impl().workspace;
    const frontend::graph::Graph& graph = find(shape, workspace.bytes());
    // The interface takes pointers to change; only OUT is written.
    std::unordered_map<std::int64_t, void*> pointers{
        {Q, const_cast<bf16*>(q)}, {K, const_cast<bf16*>(k)}, {V, const_cast<bf16*>(v)}, {OUT, out}};
    check(graph.execute(handle_, pointers, workspace.data()), describe(shape));
  }

 private:
  const frontend::graph::Graph& find(const AttentionShape& shape, std::size_t workspaceBytes) {
    const Key key{shape.queryRows, shape.keyRows, shape.heads,   shape.headDim,
                  shape.qStride,   shape.kStride, shape.vStride, shape.outStride};
    const auto found = graphs_.find(key);
    if (found != graphs_.end()) return *found->second;
    return *graphs_.emplace(key, build(shape, workspaceBytes)).first->second;
  }

  std::unique_ptr<frontend::graph::Graph> build(const AttentionShape& shape, std::size_t workspaceBytes) {
    auto graph = std::make_unique<frontend::graph::Graph>();
    graph->set_io_data_type(frontend::DataType_t::BFLOAT16)
        .set_intermediate_data_type(frontend::DataType_t::FLOAT)
        .set_compute_data_type(frontend::DataType_t::FLOAT);
    const auto q = graph->tensor(tensor(Q, shape.queryRows, shape.qStride, shape).set_name("Q"));
    const auto k = graph->tensor(tensor(K, shape.keyRows, shape.kStride, shape).set_name("K"));
    const auto v = graph->tensor(tensor(V, shape.keyRows, shape.vStride, shape).set_name("V"));
    const auto options = frontend::graph::SDPA_attributes()
                             .set_name("attention")
                             .set_generate_stats(false)
                             .set_attn_scale(1.0f / std::sqrt(static_cast<float>(shape.headDim)));
    const auto [out, statistics] = graph->sdpa(q, k, v, options);
    out->set_output(true)
        .set_uid(OUT)
        .set_dim({1, shape.heads, shape.queryRows, shape.headDim})
        .set_stride({shape.queryRows * shape.outStride, shape.headDim, shape.outStride, 1})
        .set_data_type(frontend::DataType_t::BFLOAT16);

    const std::string name = describe(shape);
    check(graph->validate(), name);
    check(graph->build_operation_graph(handle_), name);
    check(graph->create_execution_plans({frontend::HeurMode_t::A}), name);
    check(graph->check_support(handle_), name);
    check(graph->build_plans(handle_, frontend::BuildPlanPolicy_t::HEURISTICS_CHOICE), name);
    std::int64_t needed = 0;
    check(graph->get_workspace_size(needed), name);
    if (needed > static_cast<std::int64_t>(workspaceBytes)) {
      throw RunError("cuDNN needs a workspace of " + std::to_string(needed) + " bytes for " + name +
                     ", and there are " + std::to_string(workspaceBytes) +
                     "; generate the program with a larger workspace");
    }
    return graph;
  }

  cudnnHandle_t handle_ = nullptr;
  std::map<Key, std::unique_ptr<frontend::graph::Graph>> graphs_;
};

std::shared_ptr<AttentionLibrary> openAttentionLibrary(cudaStream_t stream) {
  return std::make_shared<AttentionLibrary>(stream);
}

std::string attentionLibraryVersion() {
  const std::size_t version = cudnnGetVersion();
  return "cuDNN " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

void attention(Compute& compute, const AttentionShape& shape, const bf16* q, const bf16* k, const bf16* v, bf16* out) {
  if (shape.queryRows == 0 || shape.heads == 0) return;
  compute.impl().attentions->run(compute, shape, q, k, v, out);
}

}  // namespace chunkflow
