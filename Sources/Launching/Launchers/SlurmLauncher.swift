/// Starts ranks inside a Slurm allocation, each as a job step of its own, so that one can be replaced without the
/// others.
package struct SlurmLauncher: Launcher {
  private let srun: String

  package init(srun: String = "/usr/bin/srun") { self.srun = srun }

  package func client(for launch: RankLaunch, on host: LaunchHost) -> RankLaunch {
    var words = [
      "--nodes=1", "--ntasks=1", "--nodelist=\(host.name)", "--overlap", "--quiet", "--cpu-bind=none",
      "--kill-on-bad-exit=1", "--job-name=rank\(launch.rank)", "/bin/sh", "-c", "",
    ]
    var remote = launch
    remote.environment.merge(host.environment) { _, new in new }
    if let executable = host.executable { remote.executable = executable }
    words[words.count - 1] = remote.shellLine
    return RankLaunch(
      rank: launch.rank, host: host.name, executable: srun, arguments: words, input: launch.input)
  }
}

/// The nodes of the job that this process runs in, from Slurm's own variables.
package enum SlurmAllocation {
  /// - Throws: `LaunchError` outside a job, and for variables that cannot be read.
  package static func hosts(_ environment: [String: String]) throws(LaunchError) -> [LaunchHost] {
    guard let list = environment["SLURM_JOB_NODELIST"] ?? environment["SLURM_NODELIST"], !list.isEmpty else {
      throw LaunchError(
        "there is no Slurm allocation here (SLURM_JOB_NODELIST is not set); start this inside sbatch or salloc"
      )
    }
    let names = try nodes(list)
    let counts = try tasks(environment["SLURM_TASKS_PER_NODE"] ?? "1", nodes: names.count)
    return zip(names, counts).map { name, count in
      var host = LaunchHost(name)
      host.slots = count
      return host
    }
  }

  /// `rn[0-2,5],login` as `rn0, rn1, rn2, rn5, login`; zeros in front stay.
  package static func nodes(_ list: String) throws(LaunchError) -> [String] {
    var names: [String] = []
    for item in try split(list) {
      guard let open = item.firstIndex(of: "[") else {
        names.append(item)
        continue
      }
      guard let close = item.lastIndex(of: "]"), open < close else { throw unreadable(list) }
      let ranges = item[item.index(after: open)..<close]
      let (head, tail) = (item[..<open], item[item.index(after: close)...])
      guard !tail.contains("["), !ranges.contains("[") else { throw unreadable(list) }
      for range in ranges.split(separator: ",") {
        for number in try numbers(range, list) { names.append(head + number + tail) }
      }
    }
    guard !names.isEmpty, names.count <= HostFile.maxHosts else { throw unreadable(list) }
    return names
  }

  /// `2(x3),1` as `2, 2, 2, 1`.
  package static func tasks(_ text: String, nodes: Int) throws(LaunchError) -> [Int] {
    var counts: [Int] = []
    for part in text.split(separator: ",") {
      let pieces = part.split(separator: "(", maxSplits: 1)
      guard let count = Int(pieces[0]), (1...4096).contains(count) else { throw unreadable(text) }
      var times = 1
      if pieces.count == 2 {
        guard pieces[1].hasPrefix("x"), pieces[1].hasSuffix(")"),
          let number = Int(pieces[1].dropFirst().dropLast()),
          (1...HostFile.maxHosts).contains(number)
        else { throw unreadable(text) }
        times = number
      }
      counts += Array(repeating: count, count: times)
    }
    guard counts.count >= nodes else { throw unreadable(text) }
    return Array(counts.prefix(nodes))
  }

  /// At commas outside brackets.
  private static func split(_ list: String) throws(LaunchError) -> [String] {
    var items = [""]
    var depth = 0
    for character in list {
      if character == "[" { depth += 1 }
      if character == "]" { depth -= 1 }
      guard (0...1).contains(depth) else { throw unreadable(list) }
      if character == ",", depth == 0 { items.append("") } else { items[items.count - 1].append(character) }
    }
    guard depth == 0 else { throw unreadable(list) }
    return items.filter { !$0.isEmpty }
  }

  private static func numbers(_ range: Substring, _ list: String) throws(LaunchError) -> [String] {
    let ends = range.split(separator: "-", omittingEmptySubsequences: false)
    guard (1...2).contains(ends.count), let first = Int(ends[0]), let last = Int(ends[ends.count - 1]),
      first >= 0, first <= last, last - first < HostFile.maxHosts
    else { throw unreadable(list) }
    return (first...last).map { number in
      let digits = "\(number)"
      return String(repeating: "0", count: max(0, ends[0].count - digits.count)) + digits
    }
  }

  private static func unreadable(_ text: String) -> LaunchError {
    LaunchError("Slurm's '\(text.prefix(200))' cannot be read as a list of nodes or tasks")
  }
}
