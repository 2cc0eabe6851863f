#pragma once
// Typed broadcast and all-gather over the control channel.
#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "ranks/group.hpp"

namespace chunkflow {

template <class T>
std::vector<std::byte> toBytes(const T* items, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::byte> bytes(count * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), items, bytes.size());
  return bytes;
}

template <class T>
std::vector<T> fromBytes(const std::vector<std::byte>& bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<T> items(bytes.size() / sizeof(T));
  if (!items.empty()) std::memcpy(items.data(), bytes.data(), items.size() * sizeof(T));
  return items;
}

/// Collective: rank 0's value, on every rank.
template <class T>
T fromFirst(Group& group, const T& own) {
  T value = own;
  const std::vector<std::byte> bytes = group.broadcast(toBytes(&own, 1));
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// Collective: every rank's items, in order of rank.
template <class T>
std::vector<std::vector<T>> fromAll(Group& group, const std::vector<T>& own) {
  std::vector<std::vector<T>> all;
  for (const auto& bytes : group.gather(toBytes(own.data(), own.size()))) all.push_back(fromBytes<T>(bytes));
  return all;
}

/// Collective: every rank's text, in order of rank.
inline std::vector<std::string> textsFromAll(Group& group, const std::string& own) {
  std::vector<std::string> all;
  for (const auto& bytes : group.gather(toBytes(own.data(), own.size()))) {
    all.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return all;
}

/// Collective: the largest of every rank's numbers, on every rank.
inline double largestOf(Group& group, double own) {
  double largest = own;
  for (const auto& numbers : fromAll(group, std::vector<double>{own})) largest = std::max(largest, numbers.at(0));
  return largest;
}

}  // namespace chunkflow
