/// The CPUs of a host by NUMA node, and those that this process may use.
package struct HostLayout: Sendable, Hashable {
  /// CPUs of each NUMA node, ascending; one node where the kernel tells of none.
  package let nodes: [[Int]]
  /// CPUs that this process may run on, ascending.
  package let allowed: [Int]
  /// The CPU of lowest number that shares a core with each CPU; a CPU that is not here has a core of its own.
  package let firstOfCore: [Int: Int]

  package init(nodes: [[Int]], allowed: [Int], firstOfCore: [Int: Int] = [:]) {
    self.nodes = nodes
    self.allowed = allowed
    self.firstOfCore = firstOfCore
  }

  /// From the directory that Linux calls `/sys/devices/system`, whose files `read` gives by their path in it; nil for a
  /// file that is not there.
  package init(allowed: [Int], read: (String) -> String?) {
    let online = CPUList.parse(read("node/online") ?? "")
    let nodes = online.map { CPUList.parse(read("node/node\($0)/cpulist") ?? "") }.filter { !$0.isEmpty }
    var firstOfCore: [Int: Int] = [:]
    for cpu in allowed {
      let siblings = CPUList.parse(read("cpu/cpu\(cpu)/topology/thread_siblings_list") ?? "")
      if siblings.contains(cpu), let first = siblings.min() { firstOfCore[cpu] = first }
    }
    self.init(nodes: nodes.isEmpty ? [allowed] : nodes, allowed: allowed, firstOfCore: firstOfCore)
  }

  /// CPUs that this process may use, by NUMA node, without nodes that have none.
  package var allowedCPUsByNode: [[Int]] {
    let allowed = Set(self.allowed)
    let byNode = nodes.map { $0.filter(allowed.contains) }.filter { !$0.isEmpty }
    return byNode.isEmpty ? [self.allowed] : byNode
  }
}

/// Lists of numbers as the kernel writes them: `0-3,8,10-11`.
package enum CPUList {
  /// The numbers, ascending; parts that cannot be read are left out.
  package static func parse(_ text: String) -> [Int] {
    var numbers: Set<Int> = []
    for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0,
        first <= last, last < 8192
      else { continue }
      numbers.formUnion(first...last)
    }
    return numbers.sorted()
  }

  /// The shortest form of such a list.
  package static func text(_ numbers: [Int]) -> String {
    var parts: [String] = []
    var rest = numbers.sorted()[...]
    while let first = rest.first {
      var last = first
      while rest.first == last {
        rest = rest.dropFirst()
        if rest.first == last + 1 { last += 1 } else { break }
      }
      parts.append(first == last ? "\(first)" : "\(first)-\(last)")
    }
    return parts.joined(separator: ",")
  }
}
