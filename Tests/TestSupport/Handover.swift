internal import Dispatch
internal import Synchronization

/// One value that a thread hands to another.
package final class Handover<Value: Sendable>: Sendable {
  private let filled = DispatchSemaphore(value: 0)
  private let value = Mutex<Value?>(nil)

  package init() {}

  package func set(_ value: Value) {
    self.value.withLock { $0 = value }
    filled.signal()
  }

  /// Blocks the calling thread until the value is there, at most half a minute.
  package func get() throws -> Value {
    guard filled.wait(timeout: .now() + 30) == .success, let value = value.withLock({ $0 }) else {
      throw HarnessError("a value was awaited for 30 s in vain")
    }
    filled.signal()
    return value
  }
}
