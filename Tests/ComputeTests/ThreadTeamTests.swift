import Compute
import Synchronization
import Testing

@Suite struct ThreadTeamTests {
  @Test(arguments: [1, 2, 3, 5, 8], [0, 2000])
  func everyMemberRunsEveryJob(_ count: Int, _ spinLimit: Int) throws {
    let team = try ThreadTeam(count: count, rank: 3, spinLimit: spinLimit)
    let seen = Mutex<[Int: Int]>([:])
    for _ in 0..<50 { team.run { member in seen.withLock { $0[member, default: 0] += 1 } } }
    #expect(seen.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, 50) }))
  }

  /// Inside a job, what one member writes before a barrier is what the others read after it.
  @Test(arguments: [2, 4], [0, 100])
  func barrierOrdersWrites(_ count: Int, _ spinLimit: Int) throws {
    let team = try ThreadTeam(count: count, rank: 0, spinLimit: spinLimit)
    let barrier = team.barrier
    let rounds = 300
    let cells = (0..<count).map { _ in Cell() }
    let wrong = Atomic<Int>(0)
    team.run { member in
      for round in 1...rounds {
        cells[member].value = round * 100 + member
        barrier.wait()
        for other in 0..<count where cells[other].value != round * 100 + other {
          wrong.add(1, ordering: .relaxed)
        }
        barrier.wait()
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func threadsAreNamedAndPinned() throws {
    let cpus = ThreadPlacement.allowedCPUs()
    let chosen = try #require(cpus.last)
    let names = Mutex<[Int: String]>([:])
    let places = Mutex<[Int: [Int]]>([:])
    // On a thread of its own, so that the pin of member 0 does not stay on the test runner's.
    let outer = try ThreadTeam(count: 2, rank: 0)
    outer.run { outerMember in
      guard outerMember == 1 else { return }
      if let team = try? ThreadTeam(count: 3, rank: 12, cpus: [chosen]) {
        team.run { member in
          names.withLock { $0[member] = ThreadPlacement.callingThreadName() }
          places.withLock { $0[member] = ThreadPlacement.allowedCPUs() }
        }
      }
      // The creating thread gets its CPUs back.
      names.withLock { $0[-1] = "\(ThreadPlacement.allowedCPUs())" }
    }
    #expect(names.withLock { $0[1] } == "meshdeco-r12-t1")
    #expect(names.withLock { $0[-1] } == "\(cpus)")
    #expect(names.withLock { $0[2] } == "meshdeco-r12-t2")
    #expect(places.withLock { $0 } == [0: [chosen], 1: [chosen], 2: [chosen]])
  }

  @Test func threadNamesFitInFifteenBytes() {
    #expect(ThreadPlacement.threadName(rank: 3, member: 1) == "meshdecod-r3-t1")
    #expect(ThreadPlacement.threadName(rank: 1023, member: 1023) == "mes-r1023-t1023")
    for rank in [0, 9, 10, 99, 100, 1023] {
      #expect(ThreadPlacement.threadName(rank: rank, member: 127).utf8.count <= 15)
    }
  }

  @Test func forbiddenCPUIsRefusedBeforeAnyThreadStarts() {
    #expect {
      _ = try ThreadTeam(count: 2, rank: 0, cpus: [0, 8000])
    } throws: { error in
      "\(error)".contains("CPU 8000")
    }
  }

  private final class Cell: @unchecked Sendable {
    // Plain on purpose: the barrier alone must order it.
    var value = 0
  }
}
