import Foundation
import Launching
import TestSupport
import Testing

private func hosts(_ slots: Int...) -> [LaunchHost] {
  slots.enumerated().map { index, count in
    var host = LaunchHost("n\(index)")
    host.slots = count
    return host
  }
}

@Suite struct HostFileTests {
  @Test func everyFieldIsRead() throws {
    let text = """
      # the lab
      node1 slots=2 user=me port=2222 identity=/k/id address=10.0.0.1   # first
      10.0.0.2 executable=/opt/meshdecode model=/models/a env.A=b=c env.PATH=/x

      """
    let hosts = try HostFile.parse(text, file: "hosts")
    #expect(hosts.map(\.name) == ["node1", "10.0.0.2"])
    #expect(hosts[0].slots == 2 && hosts[0].port == 2222 && hosts[0].user == "me")
    #expect(hosts[0].identity == "/k/id" && hosts[0].address == "10.0.0.1")
    #expect(hosts[1].slots == 1 && hosts[1].executable == "/opt/meshdecode" && hosts[1].model == "/models/a")
    #expect(hosts[1].environment == ["A": "b=c", "PATH": "/x"])
  }

  @Test(arguments: [
    ("", "names no host"), ("a slots=0", "1 to 4096"), ("a slots", "slots=VALUE"), ("a port=70000", "65535"),
    ("-oProxyCommand=x", "no host name"), ("a user=-x", "user cannot be"), ("a model=x", "absolute path"),
    ("a env.1=x", "no name of a variable"), ("a colour=red", "'colour' is not known; use slots"),
    ("a\na", "names a twice"), ("u@h", "no host name"),
  ])
  func mistakesAreNamed(text: String, words: String) {
    let error = #expect(throws: LaunchError.self) { try HostFile.parse(text, file: "hosts") }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func theExampleIsRead() throws {
    let file = Fixtures.packageRoot.appendingPathComponent("deploy/ssh/hosts")
    let hosts = try HostFile.parse(String(contentsOf: file, encoding: .utf8), file: file.path)
    #expect(hosts.map(\.name) == ["node1", "node2"] && hosts.map(\.slots) == [2, 2])
    // The lines that it shows as comments are right as well.
    let text = try String(contentsOf: file, encoding: .utf8).replacing("# node", with: "node")
    let all = try HostFile.parse(text, file: file.path)
    #expect(all.map(\.slots) == [2, 2, 2, 1] && all[2].port == 2222 && all[3].address == "10.1.0.3")
  }

  @Test func allMistakesAreShownAtOnce() {
    let error = #expect(throws: LaunchError.self) { try HostFile.parse("a slots=x\nb port=y", file: "hosts") }
    #expect(error?.description.contains("line 1") == true)
    #expect(error?.description.contains("line 2") == true)
  }
}

@Suite struct RankPlacementTests {
  @Test func groupsStayTogetherWhereTheyFit() throws {
    let placement = try RankPlacement(worldSize: 6, groupSize: 2, hosts: hosts(3, 3))
    #expect(placement.hostOfRank == [0, 0, 1, 1, 0, 1])
    #expect(placement.tornGroups(of: 2) == [4..<6])
    let whole = try RankPlacement(worldSize: 4, groupSize: 2, hosts: hosts(1, 2, 2))
    #expect(whole.hostOfRank == [1, 1, 2, 2])
    #expect(whole.tornGroups(of: 2) == [])
    #expect(whole.seat(of: 3).index == 1 && whole.seat(of: 3).count == 2)
    #expect(whole.host(of: 0).name == "n1")
  }

  @Test func everyRankHasASeatAndNoHostTooMany() throws {
    for world in 1...12 {
      for group in 1...4 {
        let all = hosts(1, 4, 2, 3, 2)
        let placement = try RankPlacement(worldSize: world, groupSize: group, hosts: all)
        #expect(placement.hostOfRank.count == world)
        for (index, host) in all.enumerated() { #expect(placement.ranks(on: index).count <= host.slots) }
      }
    }
  }

  @Test func aRankMovesToASpareSlotElsewhere() throws {
    let placement = try RankPlacement(worldSize: 3, groupSize: 1, hosts: hosts(1, 1, 2, 1))
    #expect(placement.hostOfRank == [0, 1, 2])
    #expect(placement.moving(1, avoiding: [])?.hostOfRank == [0, 2, 2])
    #expect(placement.moving(1, avoiding: [2])?.hostOfRank == [0, 3, 2])
    #expect(placement.moving(1, avoiding: [2, 3]) == nil)
  }

  @Test func onlySSHsOwnCodeBlamesTheHost() {
    #expect(SSHLauncher().blamesHost(.exited(code: 255)) && !SSHLauncher().blamesHost(.exited(code: 1)))
    #expect(!SSHLauncher().blamesHost(.killed(signal: 9)) && !DirectLauncher().blamesHost(.exited(code: 255)))
  }

  @Test func tooFewSlotsAreCounted() {
    let error = #expect(throws: LaunchError.self) {
      try RankPlacement(worldSize: 5, groupSize: 1, hosts: hosts(2, 2))
    }
    #expect(error?.description.contains("5 ranks") == true && error?.description.contains("4 slots") == true)
  }
}

@Suite struct LauncherTests {
  private let launch = RankLaunch(
    rank: 3, executable: "/bin/meshdecode", arguments: ["worker", "--directory", "a b'c"],
    environment: ["B": "1 2", "A": "x"], input: "secret\n")

  @Test func sshGetsOneQuotedLineAndTheSecretOnlyAsInput() {
    var host = LaunchHost("node1")
    (host.user, host.port, host.identity, host.executable) = ("me", 2222, "/k/id", "/opt/md")
    host.environment = ["A": "y"]
    let client = SSHLauncher(command: "ssh -F /etc/lab").client(for: launch, on: host)
    #expect(client.executable == "/usr/bin/ssh")
    #expect(client.arguments.prefix(2) == ["-F", "/etc/lab"])
    #expect(client.arguments.contains("BatchMode=yes"))
    #expect(
      client.arguments.suffix(6).dropLast() == ["-p", "2222", "-i", "/k/id", "me@node1"])
    #expect(client.arguments.last == #"exec env A=y 'B=1 2' /opt/md worker --directory 'a b'\''c'"#)
    #expect(client.input == "secret\n" && client.host == "node1" && client.environment.isEmpty)
    #expect(!client.arguments.joined().contains("secret") && !"\(client)".contains("secret"))
  }

  @Test func slurmStepsAreBoundToTheirNode() {
    let client = SlurmLauncher().client(for: launch, on: LaunchHost("rn2"))
    #expect(client.executable == "/usr/bin/srun")
    #expect(client.arguments.contains("--nodelist=rn2"))
    #expect(client.arguments.last?.hasPrefix("exec env A=x 'B=1 2' /bin/meshdecode worker") == true)
    #expect(client.input == "secret\n")
  }

  @Test(arguments: [
    ("rn0", ["rn0"]), ("rn[0-2,5],login", ["rn0", "rn1", "rn2", "rn5", "login"]),
    ("a[08-10]b,c", ["a08b", "a09b", "a10b", "c"]),
  ])
  func nodeListsAreUnfolded(list: String, names: [String]) throws {
    #expect(try SlurmAllocation.nodes(list) == names)
  }

  @Test(arguments: ["", "a[1", "a]1", "a[2-1]", "a[x]", "a[0-9999999]", "a[1][2]", "a[[1]]"])
  func brokenNodeListsAreRefused(list: String) {
    #expect(throws: LaunchError.self) { try SlurmAllocation.nodes(list) }
  }

  @Test func theAllocationComesFromTheEnvironment() throws {
    let hosts = try SlurmAllocation.hosts([
      "SLURM_JOB_NODELIST": "rn[0-3]", "SLURM_TASKS_PER_NODE": "2(x3),1",
    ])
    #expect(hosts.map(\.slots) == [2, 2, 2, 1])
    let error = #expect(throws: LaunchError.self) { try SlurmAllocation.hosts([:]) }
    #expect(error?.description.contains("sbatch") == true)
  }
}
