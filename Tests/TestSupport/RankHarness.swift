import Foundation
import Synchronization

/// Runs ranks as threads of this process and collects what each returned or threw.
package enum RankHarness {
  /// Calls `body` once for every rank, each on a thread of its own; returns when all have ended.
  package static func run<Value: Sendable>(
    _ worldSize: Int, _ body: @escaping @Sendable (_ rank: Int) throws -> Value
  ) -> [Result<Value, any Error>] {
    let results = Collected<Value>(worldSize)
    let finished = DispatchSemaphore(value: 0)
    for rank in 0..<worldSize {
      let thread = Thread {
        results.set(rank, Result { try body(rank) })
        finished.signal()
      }
      thread.name = "rank \(rank)"
      thread.start()
    }
    for _ in 0..<worldSize { finished.wait() }
    return results.all
  }

  /// As `run`, but the first error is thrown.
  package static func values<Value: Sendable>(
    _ worldSize: Int, _ body: @escaping @Sendable (_ rank: Int) throws -> Value
  ) throws -> [Value] {
    try run(worldSize, body).map { try $0.get() }
  }

  private final class Collected<Value: Sendable>: Sendable {
    private let slots: Mutex<[Result<Value, any Error>?]>

    init(_ count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }

    func set(_ index: Int, _ result: sending Result<Value, any Error>) {
      let result = result
      slots.withLock { $0[index] = result }
    }

    var all: [Result<Value, any Error>] { slots.withLock { $0.map { $0! } } }
  }
}

/// A barrier between threads, for steps of a test that must not overlap.
package final class ThreadBarrier: Sendable {
  private let count: Int
  private let condition = NSCondition()
  private let state = Mutex((waiting: 0, generation: 0))

  package init(_ count: Int) { self.count = count }

  package func wait() {
    condition.lock()
    defer { condition.unlock() }
    let mine = state.withLock { state -> Int in
      state.waiting += 1
      if state.waiting == count {
        state.waiting = 0
        state.generation += 1
        return -1
      }
      return state.generation
    }
    if mine < 0 {
      condition.broadcast()
      return
    }
    while state.withLock({ $0.generation }) == mine { condition.wait() }
  }
}
