import Foundation
import TestSupport

/// A Slurm cluster on one machine: four hosts as network namespaces, a `slurmd` on each, `slurmctld` on the first.
/// Needs root, iproute2, Slurm and munge; everything is gone when it closes.
final class SlurmLab: Sendable {
  /// What keeps a lab from being made here; nil when nothing does.
  static let obstacle: String? = {
    if let obstacle = SSHLab.obstacle { return obstacle }
    for tool in ["slurmctld", "slurmd", "munged"]
    where !FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(tool)") { return "needs \(tool)" }
    return nil
  }()

  let directory: URL
  private let prefix: String

  init() throws {
    prefix = "md\(getpid())x\(UInt16.random(in: 0 ... .max))s"
    directory = URL(fileURLWithPath: "/tmp/\(prefix)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
    do {
      try LabNetwork.run(Self.up, network)
    } catch {
      close()
      throw error
    }
  }

  /// What a script prints on the first host, where Slurm's commands work.
  func run(_ script: String, _ variables: [String: String] = [:]) throws -> String {
    try LabNetwork.run(
      Self.node + "\nnode 0 sh -c \"$SCRIPT\"",
      network.merging(variables) { $1 }.merging(["SCRIPT": script]) { $1 })
  }

  private var network: [String: String] {
    ["P": prefix, "D": directory.path, "NET": "10.78.0", "N": "4"]
  }

  /// Ends whatever runs on the hosts and takes them away.
  func close() {
    _ = try? LabNetwork.run(LabNetwork.script + "network_down", network)
    try? FileManager.default.removeItem(at: directory)
  }

  /// Runs something on a host: its network, its name, and names of the others that resolve.
  private static let node = """
    node() {
      i=$1; shift
      SLURM_CONF=$D/slurm.conf nsenter --net=/run/netns/$P$i unshare -u -m sh -c \\
        "hostname $P$i; mount --bind $D/hosts /etc/hosts; exec \\"\\$@\\"" sh "$@"
    }
    """

  private static let up =
    LabNetwork.script + node + """

      set -e
      network_up
      cp /etc/hosts $D/hosts
      cat > $D/slurm.conf <<C
      ClusterName=lab
      SlurmctldHost=${P}0($NET.1)
      AuthType=auth/munge
      AuthInfo=socket=$D/munge.socket
      CredType=cred/munge
      MpiDefault=none
      ProctrackType=proctrack/linuxproc
      TaskPlugin=task/none
      SlurmUser=root
      SlurmdUser=root
      StateSaveLocation=$D/state
      SlurmdSpoolDir=$D/spool.%n
      SlurmctldPidFile=$D/slurmctld.pid
      SlurmdPidFile=$D/slurmd.%n.pid
      SlurmctldLogFile=$D/slurmctld.log
      SlurmdLogFile=$D/slurmd.%n.log
      SelectType=select/cons_tres
      SelectTypeParameters=CR_Core
      ReturnToService=2
      KillWait=5
      SlurmdParameters=config_overrides
      C
      printf 'CgroupPlugin=autodetect\\nIgnoreSystemd=yes\\n' > $D/cgroup.conf
      for i in 0 1 2 3; do
        echo "$NET.$((i+1)) $P$i" >> $D/hosts
        echo "NodeName=$P$i NodeAddr=$NET.$((i+1)) CPUs=2 RealMemory=1000 State=UNKNOWN" >> $D/slurm.conf
        mkdir -p $D/spool.$P$i
      done
      echo 'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP' >> $D/slurm.conf
      mkdir -p $D/state $D/munge
      dd if=/dev/urandom of=$D/munge/key bs=64 count=1 2>/dev/null; chmod 600 $D/munge/key
      node 0 munged --force --socket=$D/munge.socket --key-file=$D/munge/key --pid-file=$D/munge/pid \\
        --log-file=$D/munge/log --seed-file=$D/munge/seed
      node 0 slurmctld
      for i in 0 1 2 3; do node $i slurmd -N $P$i; done
      t=0
      until [ "$(node 0 sinfo -h -N -o %t | grep -c idle)" = 4 ]; do
        t=$((t+1)); [ $t -lt 300 ] || exit 1
        sleep 0.1
      done
      """
}
