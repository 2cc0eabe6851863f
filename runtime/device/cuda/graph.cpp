// Capture of several streams into a CUDA graph.
#include "device/cuda/device.hpp"
#include "device/cuda/errors.hpp"

namespace chunkflow {

struct Graph::Impl {
  std::shared_ptr<CudaDevice> device;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ~Impl() {
    if (executable != nullptr) cudaGraphExecDestroy(executable);
    if (graph != nullptr) cudaGraphDestroy(graph);
  }
};

Graph::Graph(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Graph::~Graph() = default;

void beginCapture(Device& device, Stream& origin) {
  CudaDevice& of = *device.impl().device;
  const std::string name = "capture on stream " + origin.impl().name;
  if (of.capture != 0) throw RunError(name + ": another is going on; end it first");
  // Thread-local capture mode: other ranks' threads may make any CUDA call meanwhile.
  checkCuda(cudaStreamBeginCapture(cudaStreamOf(origin), cudaStreamCaptureModeThreadLocal), name);
  of.capture = ++of.captures;
}

std::unique_ptr<Graph> endCapture(Device& device, Stream& origin) {
  CudaDevice& of = *device.impl().device;
  const std::string name = "capture on stream " + origin.impl().name;
  if (of.capture == 0) throw RunError(name + ": none was begun; begin it first");
  of.capture = 0;
  auto impl = std::make_unique<Graph::Impl>();
  impl->device = device.impl().device;
  checkCuda(cudaStreamEndCapture(cudaStreamOf(origin), &impl->graph), name);
  checkCuda(cudaGraphInstantiate(&impl->executable, impl->graph, 0), name + ": instantiation");
  // Uploaded now, so that the first launch costs no more than every other.
  checkCuda(cudaGraphUpload(impl->executable, cudaStreamOf(origin)), name + ": upload");
  checkCuda(cudaStreamSynchronize(cudaStreamOf(origin)), name + ": upload");
  return std::make_unique<Graph>(std::move(impl));
}

void launch(Stream& stream, Graph& graph) {
  checkCuda(cudaGraphLaunch(graph.impl().executable, cudaStreamOf(stream)), "launch of a graph");
  checkCuda(cudaEventRecord(graph.impl().device->launched, cudaStreamOf(stream)), "event behind a graph");
}

}  // namespace chunkflow
