#include "ranks/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include "base/error.hpp"

namespace chunkflow {
namespace {

/// The bytes of an IPv4 (4) or IPv6 (16) address.
using AddressBytes = std::vector<unsigned char>;

AddressBytes addressBytes(const std::string& text) {
  for (const auto& [family, size] : {std::pair<int, std::size_t>{AF_INET, 4}, {AF_INET6, 16}}) {
    AddressBytes bytes(size);
    if (inet_pton(family, text.c_str(), bytes.data()) == 1) return bytes;
  }
  return {};
}

/// An address, or all that begin with the same bits.
struct Network {
  AddressBytes bytes;
  std::size_t prefixBits;

  bool contains(const AddressBytes& address) const {
    if (address.size() != bytes.size()) return false;
    for (std::size_t bit = 0; bit < prefixBits; ++bit) {
      const int mask = 0x80 >> (bit % 8);
      if (((address[bit / 8] ^ bytes[bit / 8]) & mask) != 0) return false;
    }
    return true;
  }
};

/// @returns nothing for text that is neither, which then is an interface's name.
std::optional<Network> networkOf(const std::string& text) {
  const std::size_t slash = text.find('/');
  Network network{addressBytes(text.substr(0, slash)), 0};
  if (network.bytes.empty()) return std::nullopt;
  const std::size_t most = network.bytes.size() * 8;
  network.prefixBits = most;
  if (slash == std::string::npos) return network;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + slash + 1, end, network.prefixBits);
  if (parsed.ec == std::errc() && parsed.ptr == end && network.prefixBits <= most) return network;
  throw UserError("CHUNKFLOW_INTERFACE is \"" + text + "\"; expected a prefix length from 0 to " +
                  std::to_string(most) + " behind the slash, such as 10.1.0.0/16");
}

/// "eth0 (10.1.0.2), ib0 (down)", each interface once.
std::string listOf(const std::vector<InterfaceAddress>& there) {
  std::string text;
  std::vector<std::string> named;
  for (const InterfaceAddress& entry : there) {
    if (std::find(named.begin(), named.end(), entry.interface) != named.end()) continue;
    named.push_back(entry.interface);
    std::string addresses;
    for (const InterfaceAddress& other : there) {
      if (other.interface != entry.interface || other.address.empty()) continue;
      addresses += (addresses.empty() ? "" : ", ") + other.address;
    }
    if (addresses.empty()) addresses = "no address";
    if (!entry.up) addresses = "down";
    text += (text.empty() ? "" : ", ") + entry.interface + " (" + addresses + ")";
  }
  return text.empty() ? "none" : text;
}

std::string addressText(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address == nullptr) return "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    const in6_addr& ipv6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (!IN6_IS_ADDR_LINKLOCAL(&ipv6)) inet_ntop(AF_INET6, &ipv6, text, sizeof text);
  }
  return text;
}

}  // namespace

std::vector<InterfaceAddress> interfacesHere() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) {
    throw RunError(std::string("could not list the network interfaces (") + std::strerror(errno) + ")");
  }
  std::vector<InterfaceAddress> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    found.push_back({entry->ifa_name, (entry->ifa_flags & IFF_UP) != 0, addressText(entry->ifa_addr)});
  }
  freeifaddrs(list);
  return found;
}

InterfaceAddress chosenInterface(const std::string& wanted, const std::vector<InterfaceAddress>& there) {
  const std::optional<Network> network = networkOf(wanted);
  std::vector<InterfaceAddress> matching;
  for (const InterfaceAddress& entry : there) {
    if (network ? network->contains(addressBytes(entry.address)) : entry.interface == wanted) matching.push_back(entry);
  }
  const auto refuse = [&](const std::string& why) {
    return UserError("CHUNKFLOW_INTERFACE is \"" + wanted + "\"" + why + "; there are " + listOf(there));
  };
  if (matching.empty()) throw refuse(network ? ", which no interface has an address of" : ", and there is no such interface");
  std::erase_if(matching, [](const InterfaceAddress& entry) { return !entry.up; });
  if (matching.empty()) throw refuse(", which is down");
  std::erase_if(matching, [](const InterfaceAddress& entry) { return entry.address.empty(); });
  if (matching.empty()) throw refuse(", which has no address");
  std::stable_partition(matching.begin(), matching.end(),
                        [](const InterfaceAddress& entry) { return addressBytes(entry.address).size() == 4; });
  return matching.front();
}

}  // namespace chunkflow
