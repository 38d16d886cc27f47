import Foundation
import TestSupport

/// Hosts on one machine: network namespaces joined by a bridge, which is a namespace as well, the hub. Needs root and
/// iproute2. A lab of ssh or of Slurm is made on them.
enum LabNetwork {
  /// Shell functions `network_up` and `network_down`. Variables: P, the first letters of all names; NET, the first three
  /// bytes of all addresses; N, how many hosts. Host i is the namespace `$P$i` with the address `$NET.(i + 1)`.
  static let script = """
    network_up() {
      ip netns add ${P}hub; ip -n ${P}hub link set lo up
      ip -n ${P}hub link add br0 type bridge; ip -n ${P}hub link set br0 up
      ip -n ${P}hub addr add $NET.254/24 dev br0
      for i in $(seq 0 $((N-1))); do
        ip netns add $P$i; ip -n $P$i link set lo up
        ip link add v$i netns ${P}hub type veth peer name eth0 netns $P$i
        ip -n ${P}hub link set v$i master br0 up
        ip -n $P$i addr add $NET.$((i+1))/24 dev eth0; ip -n $P$i link set eth0 up
      done
    }
    network_down() {
      for host in $(seq 0 $((N-1))) hub; do
        for p in $(ip netns pids $P$host 2>/dev/null); do kill -9 $p; done
        ip netns del $P$host 2>/dev/null
      done
      true
    }

    """

  /// What a shell script prints.
  @discardableResult
  static func run(_ script: String, _ variables: [String: String] = [:]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.environment = ProcessInfo.processInfo.environment.merging(variables) { _, new in new }
    process.environment?["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let ending = ProcessOutcome.Ending(of: process)
    guard ending == .exited(0) else {
      throw HarnessError("a script of the lab ended with \(ending): \(script.prefix(200))")
    }
    return text
  }
}
