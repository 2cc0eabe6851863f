// Checks of how ranks know each other, without any network: hashes by their standards' vectors, the handshake against tables of
// hostile frames, the codes of frames, the job's secret, and the choice of an interface.
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/sha256.hpp"
#include "checks/check.hpp"
#include "ranks/group_text.hpp"
#include "ranks/handshake.hpp"
#include "ranks/hosts.hpp"
#include "ranks/interfaces.hpp"

namespace chunkflow {
namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", std::to_integer<unsigned>(byte));
    text += two;
  }
  return text;
}

std::string bytes(int count, int value) { return std::string(static_cast<std::size_t>(count), static_cast<char>(value)); }

void checkSha256() {
  const struct {
    const char* name;
    std::string message, digest;
  } VECTORS[] = {
      {"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"896 bits",
       "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {"a million a", bytes(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& [name, message, digest] : VECTORS) {
    check(std::string("SHA-256, FIPS 180: ") + name, hex(Sha256().add(std::string_view(message)).digest()) == digest);
    // However the message is cut.
    Sha256 pieces;
    for (std::size_t at = 0, length = 1; at < message.size(); at += length, length = length * 3 % 131) {
      pieces.add(std::string_view(message).substr(at, length));
    }
    check(std::string("SHA-256 in pieces: ") + name, hex(pieces.digest()) == digest);
  }
}

void checkHmac() {
  std::string counting;
  for (int i = 1; i <= 25; ++i) counting += static_cast<char>(i);
  const struct {
    std::string key, message, code;
  } VECTORS[] = {
      {bytes(20, 0x0b), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {bytes(20, 0xaa), bytes(50, 0xdd), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {counting, bytes(50, 0xcd), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {bytes(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {bytes(131, 0xaa),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed "
       "before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  int number = 0;
  for (const auto& [key, message, code] : VECTORS) {
    check("HMAC-SHA256, RFC 4231: " + std::to_string(++number),
          hex(HmacSha256(std::string_view(key)).add(std::string_view(message)).code()) == code);
  }
  const Digest a = Sha256().add("a").digest();
  Digest b = a;
  check("codes: the same", sameCode(a, b));
  for (const std::size_t at : {std::size_t{0}, std::size_t{15}, std::size_t{31}}) {
    b = a;
    b[at] ^= std::byte{1};
    check("codes: differ at " + std::to_string(at), !sameCode(a, b));
  }
  check("codes: of other lengths", !sameCode(std::span(a).first(31), a) && !sameCode({}, a));
}

const std::string SECRET = "0123456789abcdef0123456789abcdef";

Nonce nonce(int number) { return Sha256().add(static_cast<std::uint64_t>(number)).digest(); }

Greeting greetingOf(int rank, const std::string& job = "job 1") {
  return {PROTOCOL_VERSION, 4, rank, "program and settings", "host-a", job, ""};
}

Frame frame(Say say, const std::string& text, std::uint32_t tag = 0) {
  return {static_cast<std::uint32_t>(say), tag, toBytes(text)};
}

/// Frames that two sides exchange, in order.
struct Recording {
  Frame hello, challenge, proof, known;
};

struct Sides {
  Reception zero;
  Introduction rank;
};

Sides sidesWith(const std::string& ofZero, const std::string& ofRank, int number = 0) {
  return {Reception(ofZero, "job 1", nonce(2 * number)), Introduction(ofRank, greetingOf(1), nonce(2 * number + 1))};
}

Recording meetOnce(Sides& sides) {
  Recording all;
  all.hello = sides.rank.hello();
  all.challenge = sides.zero.take(all.hello);
  all.proof = sides.rank.take(all.challenge).value_or(Frame{});
  all.known = sides.zero.take(all.proof);
  sides.rank.take(all.known);
  return all;
}

void checkHandshake() {
  Sides sides = sidesWith(SECRET, SECRET);
  const Recording genuine = meetOnce(sides);
  check("handshake: both know each other",
        sides.zero.state() == Reception::State::Known && sides.rank.state() == Introduction::State::Known);
  const FrameKeys zero = sides.zero.keys(), rank = sides.rank.keys();
  check("handshake: both have the same keys, one for each direction",
        zero.toZero == rank.toZero && zero.fromZero == rank.fromZero && zero.toZero != zero.fromZero);
  check("handshake: rank 0 has read the greeting",
        sides.zero.greeting().rank == 1 && sides.zero.greeting().worldSize == 4 && sides.zero.greeting().host == "host-a" &&
            sides.zero.greeting().fingerprint == "program and settings");
  for (const Frame& sent : {genuine.hello, genuine.challenge, genuine.proof, genuine.known}) {
    check("handshake: the secret is not in frame " + std::to_string(sent.kind),
          toText(sent.bytes).find(SECRET) == std::string::npos);
  }
  check("handshake: nothing more is taken", sides.zero.take(genuine.proof).kind == static_cast<std::uint32_t>(Say::Refuse));

  Sides without = sidesWith("", "");
  meetOnce(without);
  check("handshake: without a secret, on the loopback interface", without.zero.state() == Reception::State::Known &&
                                                                      without.rank.state() == Introduction::State::Known);
  for (const auto& [ofZero, ofRank] : {std::pair{SECRET, std::string(32, 'x')}, {SECRET, std::string()}, {std::string(), SECRET}}) {
    Sides differ = sidesWith(ofZero, ofRank);
    meetOnce(differ);
    check("handshake: secrets of " + std::to_string(ofZero.size()) + " and " + std::to_string(ofRank.size()) + " characters that differ",
          differ.zero.refusal() == Refusal::WrongSecret && differ.rank.state() == Introduction::State::Refused &&
              differ.rank.refusal() == Refusal::WrongSecret);
  }
}

/// Answers to a Hello and then to a Proof, and what must have come of it; without a Proof, of the Hello alone.
void checkReception(const std::string& name, const Frame& hello, const Frame& proof, Refusal expected) {
  Reception zero(SECRET, "job 1", nonce(100));
  zero.take(hello);
  if (zero.state() == Reception::State::AwaitsProof && proof.kind != 0) zero.take(proof);
  check("rank 0: " + name, zero.state() == Reception::State::Refused && zero.refusal() == expected);
}

void checkHostileRanks() {
  Sides sides = sidesWith(SECRET, SECRET);
  const Recording genuine = meetOnce(sides);
  const Frame none{};
  const auto hello = [&](const std::string& text) { return frame(Say::Hello, std::string(sizeof(Nonce), 'n') + text); };

  checkReception("a recorded Hello and Proof", genuine.hello, genuine.proof, Refusal::WrongSecret);
  checkReception("its own proof of an earlier connection sent back", genuine.hello,
                 {static_cast<std::uint32_t>(Say::Proof), 0, genuine.known.bytes}, Refusal::WrongSecret);
  checkReception("an empty proof", genuine.hello, frame(Say::Proof, ""), Refusal::WrongSecret);
  checkReception("a proof with a byte more", genuine.hello, frame(Say::Proof, toText(genuine.proof.bytes) + "x"),
                 Refusal::WrongSecret);
  checkReception("another Hello in place of a Proof", genuine.hello, genuine.hello, Refusal::NotARank);
  checkReception("a Welcome in place of a Proof", genuine.hello, frame(Say::Welcome, ""), Refusal::NotARank);
  checkReception("a Proof first", genuine.proof, none, Refusal::NotARank);
  checkReception("an empty Hello", frame(Say::Hello, ""), none, Refusal::NotARank);
  checkReception("a Hello of a nonce alone", hello(""), none, Refusal::NotARank);
  checkReception("a version that is no number", hello("two\n4\n1\nf\nh\njob 1\n\n"), none, Refusal::NotARank);
  checkReception("another version", hello("3\nwhatever"), none, Refusal::OtherVersion);
  checkReception("a rank that is no number", hello("2\n4\n1x\nf\nh\njob 1\n\n"), none, Refusal::NotARank);
  checkReception("a rank beyond all numbers", hello("2\n4\n99999999999\nf\nh\njob 1\n\n"), none, Refusal::NotARank);
  checkReception("a line too few", hello("2\n4\n1\nf\nh\njob 1\n"), none, Refusal::NotARank);
  checkReception("a last line without an end", hello("2\n4\n1\nf\nh\njob 1\nx"), none, Refusal::NotARank);
  checkReception("a line too many", hello("2\n4\n1\nf\nh\njob 1\n\nx"), none, Refusal::NotARank);
  checkReception("another job", hello("2\n4\n1\nf\nh\njob 2\n\n"), none, Refusal::OtherJob);
  checkReception("a Hello that is too long", hello("2\n4\n1\n" + std::string(LONGEST_GREETING_BYTES, 'f') + "\nh\njob 1\n\n"),
                 none, Refusal::NotARank);

  // Whoever passes frames on changes one thing in the Hello: rank 0 then finds that the proof is of something else.
  for (const auto& [what, from, to] : {std::array<std::string, 3>{"rank", "\n4\n1\n", "\n4\n2\n"},
                                       {"world size", "\n4\n1\n", "\n5\n1\n"},
                                       {"program", "program and", "malware and"},
                                       {"host", "host-a", "host-b"}}) {
    Sides relayed = sidesWith(SECRET, SECRET, 7);
    std::string text = toText(relayed.rank.hello().bytes);
    text.replace(text.find(from), from.size(), to);
    const Frame challenge = relayed.zero.take(frame(Say::Hello, text));
    relayed.zero.take(*relayed.rank.take(challenge));
    check("rank 0: another " + what + " than the rank has proved", relayed.zero.refusal() == Refusal::WrongSecret);
  }
}

void checkHostileZeros() {
  Sides sides = sidesWith(SECRET, SECRET);
  const Recording genuine = meetOnce(sides);
  const auto answered = [&](const std::string& name, const std::vector<Frame>& answers, Introduction::State expected) {
    Introduction rank(SECRET, greetingOf(1), nonce(200));
    for (const Frame& answer : answers) rank.take(answer);
    check("rank: " + name, rank.state() == expected);
  };
  using State = Introduction::State;
  answered("a recorded Challenge and Known", {genuine.challenge, genuine.known}, State::Distrusted);
  answered("a recorded proof sent back", {genuine.challenge, frame(Say::Known, toText(genuine.proof.bytes))},
           State::Distrusted);
  answered("Known without a Challenge", {genuine.known}, State::Distrusted);
  answered("Welcome in place of Known", {genuine.challenge, frame(Say::Welcome, "")}, State::Distrusted);
  answered("a short Challenge", {frame(Say::Challenge, "short")}, State::Distrusted);
  answered("an empty Known", {genuine.challenge, frame(Say::Known, "")}, State::Distrusted);
  answered("two Challenges", {genuine.challenge, genuine.challenge}, State::Distrusted);
  answered("Known behind a distrusted one", {frame(Say::Challenge, "short"), genuine.known}, State::Distrusted);
  answered("a refusal", {frame(Say::Refuse, "", static_cast<std::uint32_t>(Refusal::OtherJob))}, State::Refused);
  answered("a refusal of no kind", {frame(Say::Refuse, "", 12345)}, State::Refused);
}

/// Whoever answers with what the rank has just proved itself by does not know the secret.
void checkReflection() {
  Introduction rank(SECRET, greetingOf(1), nonce(300));
  const std::optional<Frame> proof = rank.take(frame(Say::Challenge, std::string(sizeof(Nonce), 'c')));
  rank.take(frame(Say::Known, toText(proof.value_or(Frame{}).bytes)));
  check("rank: its own proof sent back", proof && rank.state() == Introduction::State::Distrusted);
}

/// Random frames, and genuine ones with a few changed bytes: none is taken for a rank's. By a seed, so that a failure can be
/// run again.
void fuzzHandshake() {
  constexpr int ROUNDS = 4000;
  std::uint64_t state = 20260101;
  const auto random = [&](std::uint64_t below) { return (state = mix(state)) % below; };
  int taken = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    Sides sides = sidesWith(SECRET, round % 2 == 0 ? SECRET : "another secret of the same job", round);
    const auto damaged = [&](Frame whole) {
      const std::uint64_t how = random(4);
      if (how == 0) whole.bytes.resize(random(200));
      if (how == 1) whole.kind = static_cast<std::uint32_t>(random(14));
      if (how >= 2 && !whole.bytes.empty()) {
        whole.bytes[random(whole.bytes.size())] ^= static_cast<std::byte>(1 + random(255));
      }
      return whole;
    };
    const Frame hello = random(3) == 0 ? damaged(sides.rank.hello()) : sides.rank.hello();
    const Frame challenge = sides.zero.take(hello);
    const std::optional<Frame> proof = sides.rank.take(challenge);
    // What has been damaged nowhere is genuine in every second round.
    if (proof) sides.zero.take(damaged(*proof));
    const bool untouched = proof && hello.bytes == sides.rank.hello().bytes && round % 2 == 0;
    if (sides.zero.state() == Reception::State::Known && !untouched) ++taken;
    if (sides.zero.state() == Reception::State::Known && sides.zero.greeting().rank != 1) ++taken;
  }
  check("fuzz: " + std::to_string(ROUNDS) + " damaged handshakes, none is taken for a rank's", taken == 0);
}

/// What a secured connection writes for some frames, and what another one makes of bytes.
std::string written(const std::vector<Frame>& frames, const Digest& key) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
  Connection from{Socket(ends[0])};
  const Socket to(ends[1]);
  from.secure(key, key);
  std::string all;
  for (const Frame& one : frames) {
    if (!from.send(one, deadlineIn(1))) std::abort();
    char piece[4096];
    const ssize_t count = recv(to.descriptor(), piece, sizeof piece, 0);
    all.append(piece, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return all;
}

std::string readBack(const std::string& raw, const Digest& key) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
  const Socket from(ends[0]);
  Connection to{Socket(ends[1])};
  to.secure(key, key);
  if (send(from.descriptor(), raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size())) std::abort();
  to.receiveSome();
  std::string all;
  while (const std::optional<Frame> one = to.take()) all += toText(one->bytes) + ";";
  return all + (to.damaged() ? "damaged" : "");
}

void checkFrames() {
  const Digest key = nonce(1), other = nonce(2);
  const std::string one = written({frame(Say::Bring, "one")}, key);
  const std::string both = written({frame(Say::Bring, "one"), frame(Say::Bring, "two")}, key);
  const std::string second = both.substr(one.size());
  check("frames: arrive", readBack(both, key) == "one;two;");
  check("frames: under another key, as of the other direction", readBack(one, other) == "damaged");
  check("frames: one again", readBack(one + one, key) == "one;damaged");
  check("frames: one left out", readBack(second, key) == "damaged");
  check("frames: in another order", readBack(second + one, key) == "damaged");
  bool found = true;
  for (std::size_t at = 0; at < one.size(); ++at) {
    std::string changed = one;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const std::string read = readBack(changed, key);
    // A longer one than was sent is waited for.
    found = found && read.find("one") == std::string::npos && (read == "damaged" || read.empty());
  }
  check("frames: any bit of them changed", found);
}

std::string secretBy(const char* text, const char* file) {
  text == nullptr ? unsetenv("CHUNKFLOW_SECRET") : setenv("CHUNKFLOW_SECRET", text, 1);
  file == nullptr ? unsetenv("CHUNKFLOW_SECRET_FILE") : setenv("CHUNKFLOW_SECRET_FILE", file, 1);
  try {
    return secretOfJob();
  } catch (const UserError& error) {
    return std::string("UserError: ") + error.what();
  }
}

void checkSecret() {
  const std::string folder = std::filesystem::temp_directory_path() / ("chunkflow-secret-" + freshSecret());
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/secret";
  std::ofstream(path) << SECRET << "\n";
  chmod(path.c_str(), 0600);
  check("secret: from a variable", secretBy(SECRET.c_str(), nullptr) == SECRET);
  check("secret: from a file, without the end of its line", secretBy(nullptr, path.c_str()) == SECRET);
  check("secret: none", secretBy(nullptr, nullptr).empty() && secretBy("", "").empty());
  for (const auto& [mode, text] : {std::pair<mode_t, std::string>{0640, "0640"}, {0604, "0604"}, {0620, "0620"}}) {
    chmod(path.c_str(), mode);
    const std::string said = secretBy(nullptr, path.c_str());
    check("secret: a file of mode " + text, said.find("open to others (mode " + text + "); chmod 600") != std::string::npos &&
                                                said.find(SECRET) == std::string::npos);
  }
  check("secret: both", secretBy(SECRET.c_str(), path.c_str()).starts_with("UserError: CHUNKFLOW_SECRET and"));
  const std::string brief = secretBy("not enough", nullptr);
  check("secret: a short one is refused and not shown",
        brief.starts_with("UserError: CHUNKFLOW_SECRET has 10 characters") && brief.find("not enough") == std::string::npos);
  check("secret: a folder", secretBy(nullptr, folder.c_str()).find("not a regular file") != std::string::npos);
  check("secret: a file that is not there", secretBy(nullptr, "/nowhere/x").find("cannot be read") != std::string::npos);
  secretBy(nullptr, nullptr);
  const std::string a = freshSecret(), b = freshSecret();
  check("secret: fresh ones", a.size() == 32 && a != b && a.find_first_not_of("0123456789abcdef") == std::string::npos);
  std::filesystem::remove_all(folder);
}

void checkInterfaces() {
  const std::vector<InterfaceAddress> there{{"lo", true, "127.0.0.1"},   {"eth0", true, "10.2.0.7"},
                                            {"ib0", true, "fd00::5"},    {"ib0", true, ""},
                                            {"ib0", true, "10.1.3.4"},   {"ib1", false, "10.1.9.9"},
                                            {"wlan0", true, ""},         {"lo", true, "::1"}};
  const struct {
    std::string wanted, found;
  } CASES[] = {{"eth0", "eth0 10.2.0.7"},       {"ib0", "ib0 10.1.3.4"},          {"10.2.0.7", "eth0 10.2.0.7"},
               {"10.1.0.0/16", "ib0 10.1.3.4"}, {"fd00::/8", "ib0 fd00::5"},      {"fd00::5", "ib0 fd00::5"},
               {"0.0.0.0/0", "lo 127.0.0.1"},   {"10.2.0.6/31", "eth0 10.2.0.7"}, {"lo", "lo 127.0.0.1"}};
  for (const auto& [wanted, found] : CASES) {
    const InterfaceAddress chosen = chosenInterface(wanted, there);
    check("interface: " + wanted, chosen.interface + " " + chosen.address == found);
  }
  const std::string all =
      "; there are lo (127.0.0.1, ::1), eth0 (10.2.0.7), ib0 (fd00::5, 10.1.3.4), ib1 (down), wlan0 (no address)";
  const struct {
    std::string wanted, message;
  } WRONG[] = {
      {"ib7", "CHUNKFLOW_INTERFACE is \"ib7\", and there is no such interface" + all},
      {"ib", "CHUNKFLOW_INTERFACE is \"ib\", and there is no such interface" + all},
      {"ib1", "CHUNKFLOW_INTERFACE is \"ib1\", which is down" + all},
      {"10.1.9.9", "CHUNKFLOW_INTERFACE is \"10.1.9.9\", which is down" + all},
      {"wlan0", "CHUNKFLOW_INTERFACE is \"wlan0\", which has no address" + all},
      {"10.2.0.8/30", "CHUNKFLOW_INTERFACE is \"10.2.0.8/30\", which no interface has an address of" + all},
      {"10.2.0.6", "CHUNKFLOW_INTERFACE is \"10.2.0.6\", which no interface has an address of" + all},
      {"192.168.0.0/16", "CHUNKFLOW_INTERFACE is \"192.168.0.0/16\", which no interface has an address of" + all},
      {"10.1.0.0/33",
       "CHUNKFLOW_INTERFACE is \"10.1.0.0/33\"; expected a prefix length from 0 to 32 behind the slash, such as "
       "10.1.0.0/16"},
      {"10.1.0.0/",
       "CHUNKFLOW_INTERFACE is \"10.1.0.0/\"; expected a prefix length from 0 to 32 behind the slash, such as "
       "10.1.0.0/16"},
  };
  for (const auto& [wanted, message] : WRONG) {
    std::string said;
    try {
      chosenInterface(wanted, there);
    } catch (const UserError& error) {
      said = error.what();
    }
    check("interface: refuses " + wanted, said == message);
    if (said != message) std::printf("     said: %s\n", said.c_str());
  }
  const std::vector<InterfaceAddress> own = interfacesHere();
  check("interface: lo of this host", chosenInterface("lo", own).address == "127.0.0.1");
}

void checkHosts() {
  const Hosts hosts = hostsOf({"a\n1", "a\n1", "b\n2", "a\n3", "a\n1"});
  check("hosts: by name and boot", hosts.ofRank == std::vector<int>{0, 0, 1, 2, 0});
  check("hosts: their names", hosts.names == std::vector<std::string>{"a", "b", "a"} && hosts.nameOf(2) == "b");
  check("hosts: ranks beside each other", hosts.ranksBeside(4) == 3 && hosts.ranksBeside(2) == 1);
  check("hosts: as text", hosts.text() == "ranks 0, 1, 4 on a, rank 2 on b, rank 3 on a");
  check("hosts: one", hosts.several() && !hostsOf({"a\n1", "a\n1"}).several());
}

}  // namespace
}  // namespace chunkflow

int main() {
  using namespace chunkflow;
  checkSha256();
  checkHmac();
  checkHandshake();
  checkHostileRanks();
  checkHostileZeros();
  checkReflection();
  fuzzHandshake();
  checkFrames();
  checkSecret();
  checkInterfaces();
  checkHosts();
  std::printf(failedChecks == 0 ? "all checks hold\n" : "%d checks failed\n", failedChecks);
  return failedChecks == 0 ? 0 : 1;
}
