#pragma once
// The network interfaces of this host, and the one that CHUNKFLOW_INTERFACE asks for.
#include <string>
#include <vector>

namespace chunkflow {

/// One address of an interface; an interface has several entries, or one with an empty address.
struct InterfaceAddress {
  std::string interface;
  bool up = false;
  std::string address;  // as inet_ntop writes it; IPv6 link-local ones are left out
};

/// Addresses of this host as the system lists them.
std::vector<InterfaceAddress> interfacesHere();

/// The address that ranks meet at. @param wanted an interface's name, an address, or a network such as 10.1.0.0/16.
/// An interface's IPv4 addresses come before its IPv6 ones.
/// @throws UserError, with what there is, for one that is not there, is down, or has no address.
InterfaceAddress chosenInterface(const std::string& wanted, const std::vector<InterfaceAddress>& there);

}  // namespace chunkflow
