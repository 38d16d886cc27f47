import Foundation
import TestSupport

/// Hosts on one machine: network namespaces joined by a bridge, each with an `sshd` of its own, and one more, the hub,
/// for the coordinator. Needs root, iproute2 and OpenSSH; everything is gone when it closes.
final class SSHLab: Sendable {
  /// What keeps a lab from being made here; nil when nothing does.
  static let obstacle: String? = {
    if getuid() != 0 { return "needs root" }
    for tool in ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/bin/nsenter"]
    where !FileManager.default.isExecutableFile(atPath: tool) {
      return "needs \(tool)"
    }
    // Also where network namespaces are not allowed.
    return (try? LabNetwork.run("ip netns add mdprobe$$ && ip netns del mdprobe$$")) == nil
      ? "needs ip and network namespaces" : nil
  }()

  let directory: URL
  let count: Int
  let prefix: String

  /// - Parameter count: hosts besides the hub, 1 to 20.
  init(count: Int) throws {
    self.count = count
    prefix = "md\(getpid())x\(UInt16.random(in: 0 ... .max))h"
    directory = URL(fileURLWithPath: "/tmp/\(prefix)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    do {
      try LabNetwork.run(Self.up, network.merging(["D": directory.path]) { $1 })
    } catch {
      close()
      throw error
    }
  }

  private var network: [String: String] { ["P": prefix, "NET": Self.subnet, "N": "\(count)"] }

  private static let subnet = "10.77.0"

  static func address(_ host: Int) -> String { "\(subnet).\(host + 1)" }

  /// The flags that launch on these hosts.
  ///
  /// - Parameters:
  ///   - extra: fields of single hosts on top.
  ///   - more: further lines of the list.
  func flags(slots: Int = 1, extra: [Int: String] = [:], more: [String] = []) throws -> [String] {
    let file = directory.appendingPathComponent("hosts")
    let lines = (0..<count).map {
      "\(Self.address($0)) slots=\(slots) user=root identity=\(directory.path)/userkey \(extra[$0] ?? "")"
    }
    try Data((["# hosts of the lab"] + lines + more).joined(separator: "\n").utf8).write(to: file)
    return [
      "--launcher", "ssh", "--hostfile", file.path, "--ssh-command", "ssh -F \(directory.path)/ssh_config",
      "--threads-per-worker", "1",
    ]
  }

  /// Makes the way between two hosts narrow, in both directions; all others stay as they are.
  func narrow(_ first: Int, _ second: Int, kilobits: Int) throws {
    for (from, to) in [(first, second), (second, first)] {
      try LabNetwork.run(
        Self.narrowing, ["H": "\(prefix)\(from)", "TO": Self.address(to), "K": "\(kilobits)"])
    }
  }

  /// What goes to one address waits in a bucket of its own.
  private static let narrowing = """
    set -e
    tc -n $H qdisc add dev eth0 root handle 1: htb
    tc -n $H class add dev eth0 parent 1: classid 1:3 htb rate ${K}kbit burst 16kb
    tc -n $H filter add dev eth0 parent 1: protocol ip prio 1 u32 match ip dst $TO/32 flowid 1:3
    """

  /// `arguments` of `meshdecode`, as run on the hub.
  func onHub(_ arguments: [String]) -> (executable: URL, arguments: [String]) {
    (
      URL(fileURLWithPath: "/usr/bin/nsenter"),
      ["--net=/run/netns/\(prefix)hub", ProcessHarness.executable.path] + arguments
    )
  }

  /// Process ids on a host whose command line has `words`; all of them for none.
  func processes(on host: Int, _ words: String) throws -> [Int32] {
    try LabNetwork.run("ip netns pids \(prefix)\(host)").split(separator: "\n").compactMap { Int32($0) }
      .filter {
        if words.isEmpty { return true }
        let line = FileManager.default.contents(atPath: "/proc/\($0)/cmdline") ?? Data()
        return String(decoding: line, as: UTF8.self).replacing("\0", with: " ").contains(words)
      }
  }

  /// Ends whatever runs on the hosts and takes them away.
  func close() {
    _ = try? LabNetwork.run(LabNetwork.script + "network_down", network)
    try? FileManager.default.removeItem(at: directory)
  }

  private static let up =
    LabNetwork.script + """
      set -e
      mkdir -p /run/sshd
      network_up
      ssh-keygen -q -t ed25519 -N '' -f $D/hostkey; ssh-keygen -q -t ed25519 -N '' -f $D/userkey
      cp $D/userkey.pub $D/authorized_keys
      printf 'Host *\\n StrictHostKeyChecking no\\n UserKnownHostsFile /dev/null\\n LogLevel ERROR\\n' > $D/ssh_config
      for i in $(seq 0 $((N-1))); do
        printf 'ListenAddress %s.%s:22\\nHostKey %s/hostkey\\nAuthorizedKeysFile %s/authorized_keys\\n' \
          $NET $((i+1)) $D $D > $D/sshd$i.conf
        printf 'PidFile none\\nPasswordAuthentication no\\nPermitRootLogin prohibit-password\\n' >> $D/sshd$i.conf
        printf 'UsePAM no\\nStrictModes no\\nUseDNS no\\n' >> $D/sshd$i.conf
        nsenter --net=/run/netns/$P$i /usr/sbin/sshd -f $D/sshd$i.conf
      done
      """
}
