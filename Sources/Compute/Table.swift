/// A fixed-capacity array that the main thread fills between steps and all threads read during one.
///
/// Writing beyond the capacity traps: capacities come from the limits of the run, which every plan is checked against.
@safe package struct Table<Element: BitwiseCopyable>: ~Copyable {
  package let capacity: Int
  package private(set) var count = 0
  @unsafe let base: UnsafeMutablePointer<Element>

  package init(capacity: Int) {
    self.capacity = max(capacity, 1)
    unsafe base = UnsafeMutablePointer<Element>.allocate(capacity: self.capacity)
  }

  deinit { unsafe base.deallocate() }

  package mutating func removeAll() { count = 0 }

  @inline(__always)
  package mutating func append(_ element: Element) {
    precondition(count < capacity, "table of \(capacity) is full")
    unsafe (base + count).initialize(to: element)
    count += 1
  }

  /// Makes the table `count` long, every element `value`.
  package mutating func fill(_ value: Element, count newCount: Int) {
    precondition(newCount <= capacity, "table of \(capacity) cannot hold \(newCount)")
    unsafe base.initialize(repeating: value, count: newCount)
    count = newCount
  }

  package subscript(_ index: Int) -> Element {
    @inline(__always) get {
      precondition(index >= 0 && index < count, "index \(index) outside 0..<\(count)")
      return unsafe base[index]
    }
    @inline(__always) set {
      precondition(index >= 0 && index < count, "index \(index) outside 0..<\(count)")
      unsafe base[index] = newValue
    }
  }
}
