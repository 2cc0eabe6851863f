#pragma once
// The secret by which the ranks of a job know each other, and random bytes. It is read from the environment or a file, never
// from an argument, and no message or record contains it.
#include <string>

#include "base/sha256.hpp"

namespace chunkflow {

/// Never used twice.
using Nonce = Digest;

Nonce freshNonce();

/// 128 random bits, as text.
std::string freshSecret();

/// Text of CHUNKFLOW_SECRET or of the file that CHUNKFLOW_SECRET_FILE names; "" where neither is set.
/// @throws UserError for both, a short secret, and a file that cannot be read or that others may read.
std::string secretOfJob();

/// What the ranks of several hosts are told when they have none. @param address of rank 0.
std::string secretIsMissing(const std::string& address);

}  // namespace chunkflow
