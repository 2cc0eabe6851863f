#pragma once
// Kinds of collectives. Generated sources include it, so it takes no header of the standard library.

namespace chunkflow {

enum class CollectiveKind { AllToAll, AllGather, AllReduce };

}  // namespace chunkflow
