import Compute
import Testing

/// Machines as the kernel describes them.
@Suite struct HostLayoutTests {
  /// `cpulist` by node; threads of a core are `siblings` apart.
  private func machine(_ nodes: [String], siblings: Int? = nil, allowed: [Int]? = nil) -> HostLayout {
    let all = nodes.flatMap(CPUList.parse).sorted()
    return HostLayout(allowed: allowed ?? all) { path in
      if path == "node/online" { return nodes.count == 1 ? "0\n" : "0-\(nodes.count - 1)\n" }
      if path.hasPrefix("node/node") {
        return Int(path.dropFirst(9).prefix { $0.isNumber }).map { nodes[$0] + "\n" }
      }
      guard let siblings, let cpu = Int(path.dropFirst(7).prefix { $0.isNumber }) else { return nil }
      return "\(cpu % siblings),\(cpu % siblings + siblings)\n"
    }
  }

  @Test func listsAreReadAndWritten() {
    #expect(CPUList.parse("0-3,8,10-11\n") == [0, 1, 2, 3, 8, 10, 11])
    #expect(CPUList.parse("") == [] && CPUList.parse("x,3-1,-2,4") == [4])
    #expect(CPUList.text([11, 0, 1, 2, 3, 8, 10]) == "0-3,8,10-11" && CPUList.text([]) == "")
  }

  @Test func aHostWithoutNodesIsOneNode() {
    let layout = HostLayout(allowed: [0, 1, 2]) { _ in nil }
    #expect(layout.allowedCPUsByNode == [[0, 1, 2]])
    #expect(layout.cpus(ofSeat: 1, of: 3, threads: 1) == [1])
  }

  @Test func oneWorkerOnEachNode() {
    let two = machine(["0-3", "4-7"])
    #expect(two.cpus(ofSeat: 0, of: 2, threads: 4) == [0, 1, 2, 3])
    #expect(two.cpus(ofSeat: 1, of: 2, threads: 4) == [4, 5, 6, 7])
    #expect(two.cpus(ofSeat: 1, of: 2, threads: 2) == [4, 5])
    let four = machine(["0-1", "2-3", "4-5", "6-7"])
    #expect((0..<4).map { four.cpus(ofSeat: $0, of: 4, threads: 2) } == [[0, 1], [2, 3], [4, 5], [6, 7]])
    // Two workers get two nodes each; eight share them.
    #expect(four.cpus(ofSeat: 1, of: 2, threads: 4) == [4, 5, 6, 7])
    #expect((0..<8).map { four.cpus(ofSeat: $0, of: 8, threads: 1) } == (0..<8).map { [$0] })
  }

  @Test func coresAreNotShared() {
    // CPUs 0-7 on node 0: cores 0-3 with threads n and n + 8; the others on node 1.
    let layout = machine(["0-3,8-11", "4-7,12-15"], siblings: 8)
    #expect(layout.cpus(ofSeat: 0, of: 2, threads: 4) == [0, 1, 2, 3])
    #expect(layout.cpus(ofSeat: 1, of: 2, threads: 8) == [4, 5, 6, 7, 12, 13, 14, 15])
    #expect(layout.cpus(ofSeat: 1, of: 4, threads: 2) == [2, 3])
    #expect(layout.cpus(ofSeat: 1, of: 4, threads: 4) == [2, 3, 10, 11])
  }

  @Test func tooManyThreadsAreNotBound() {
    #expect(machine(["0-3"]).cpus(ofSeat: 0, of: 2, threads: 3) == [])
    #expect(machine(["0-3"], allowed: [2]).cpus(ofSeat: 0, of: 2, threads: 1) == [])
    #expect(machine(["0-3"], allowed: [1, 3]).cpus(ofSeat: 1, of: 2, threads: 1) == [3])
  }

  @Test func unevenNodesAreCutAnew() {
    let layout = machine(["0-1", "2-7"])
    #expect(layout.cpus(ofSeat: 0, of: 2, threads: 2) == [0, 1])
    #expect(layout.cpus(ofSeat: 0, of: 2, threads: 4) == [0, 1, 2, 3])
    #expect(layout.cpus(ofSeat: 1, of: 2, threads: 4) == [4, 5, 6, 7])
  }

  @Test func nobodyEverGetsTheSameCPU() {
    let machines = [
      machine(["0-7"]), machine(["0-3", "4-7"]), machine(["0-1", "2-3", "4-5", "6-7"]),
      machine(["0", "1-6"]),
      machine(["0-3,8-11", "4-7,12-15"], siblings: 8),
    ]
    for layout in machines {
      let count = layout.allowed.count
      for seats in 1...count {
        for threads in 1...(count / seats) {
          let given = (0..<seats).flatMap { layout.cpus(ofSeat: $0, of: seats, threads: threads) }
          #expect(
            given.count == seats * threads && Set(given).count == given.count, "\(layout) \(seats) \(threads)"
          )
          #expect(Set(given).isSubset(of: layout.allowed))
        }
      }
    }
  }
}
