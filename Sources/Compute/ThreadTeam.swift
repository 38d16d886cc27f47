import CLinux
import Glibc

/// A fixed set of threads that work together on one step at a time; the creating thread is member 0.
///
/// Members 1... are pthreads that park between jobs: a bounded spin, then a futex. Nothing allocates, locks or logs
/// between `run` and its return. The team belongs to the thread that made it.
@safe package struct ThreadTeam: ~Copyable {
  /// What every member executes: the job's context and the member's index.
  package typealias Body = @convention(c) (UnsafeMutableRawPointer?, Int) -> Void

  /// Members, including the calling thread.
  package let count: Int
  /// Where all members meet inside a job; copy it into the job's context.
  package let barrier: TeamBarrier
  private let shared: UnsafeMutablePointer<TeamShared>
  private let words: UnsafeMutablePointer<UInt32>
  private let threads: [pthread_t]
  /// CPUs that the creating thread had before it was pinned; it gets them back in the end. Empty when nobody is pinned.
  private let formerCPUs: [Int]

  /// Starts `count - 1` threads and, when `cpus` is given, pins all members.
  ///
  /// - Parameters:
  ///   - rank: rank of the worker, for the threads' names.
  ///   - cpus: member i is pinned to `cpus[i % cpus.count]`, the calling thread too; empty pins nobody.
  ///   - spinLimit: pauses before a waiting member sleeps; nil is 2000 when every member can have a core, else 0.
  /// - Throws: `ThreadTeamError` when a thread cannot be made or pinned; threads made so far are ended.
  package init(count: Int, rank: Int, cpus: [Int] = [], spinLimit: Int? = nil) throws(ThreadTeamError) {
    precondition(count >= 1 && count <= 1024, "a team of \(count) threads; 1...1024 are possible")
    // Checked here, where it can be told: members pin themselves later and cannot fail any more.
    let allowed = ThreadPlacement.allowedCPUs()
    if let cpu = cpus.first(where: { !allowed.contains($0) }) {
      throw ThreadTeamError(operation: "pin a thread to CPU \(cpu); allowed are \(allowed)", errno: EINVAL)
    }
    let spins = spinLimit ?? (count > allowed.count ? 0 : 2000)
    let words = UnsafeMutablePointer<UInt32>.allocate(capacity: TeamBarrier.wordCount)
    unsafe words.initialize(repeating: 0, count: TeamBarrier.wordCount)
    let barrier = unsafe TeamBarrier(members: count, spinLimit: spins, words: words)
    let shared = UnsafeMutablePointer<TeamShared>.allocate(capacity: 1)
    unsafe shared.initialize(to: TeamShared(barrier: barrier))
    let (threads, failure) = unsafe Self.startThreads(shared, count: count, rank: rank, cpus: cpus)
    guard failure == 0 else {
      for thread in threads { pthread_join(thread, nil) }
      unsafe Self.free(shared, words)
      throw ThreadTeamError(operation: "start a team of \(count) threads", errno: failure)
    }
    if let cpu = cpus.first { try? ThreadPlacement.pinCallingThread(to: [cpu]) }
    self.count = count
    self.barrier = barrier
    unsafe self.words = words
    unsafe self.shared = shared
    self.threads = threads
    formerCPUs = cpus.isEmpty ? [] : allowed
  }

  deinit {
    unsafe shared.pointee.body = nil
    barrier.wait()
    for thread in threads { pthread_join(thread, nil) }
    unsafe Self.free(shared, words)
    if !formerCPUs.isEmpty { try? ThreadPlacement.pinCallingThread(to: formerCPUs) }
  }

  /// Executes `body` on every member, here as member 0, and returns when all have finished.
  ///
  /// Whatever `context` points at is used by all members at once: disjoint writes are the body's duty. Cost: two
  /// barriers.
  @unsafe package borrowing func run(_ context: UnsafeMutableRawPointer?, _ body: Body) {
    unsafe shared.pointee.body = body
    unsafe shared.pointee.context = context
    barrier.wait()
    unsafe body(context, 0)
    barrier.wait()
  }

  /// As `run`, with a body of its own for member 0: the calling thread, which may use what must not leave it.
  @unsafe package borrowing func run(
    _ context: UnsafeMutableRawPointer?, others body: Body, here: () -> Void
  ) {
    unsafe shared.pointee.body = body
    unsafe shared.pointee.context = context
    barrier.wait()
    here()
    barrier.wait()
  }

  /// `run` with a closure, which gets the member's index.
  package borrowing func run(_ body: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(body) { escapable in
      var box = escapable
      unsafe withUnsafeMutablePointer(to: &box) { pointer in
        unsafe run(UnsafeMutableRawPointer(pointer)) { context, member in
          unsafe context!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(member)
        }
      }
    }
  }

  /// Makes threads 1..<count and opens their gate: they run, or return at once when one could not be made.
  private static func startThreads(
    _ shared: UnsafeMutablePointer<TeamShared>, count: Int, rank: Int, cpus: [Int]
  ) -> (threads: [pthread_t], failure: Int32) {
    var threads: [pthread_t] = []
    var failure: Int32 = 0
    for member in 1..<max(2, count) where member < count && failure == 0 {
      let name = ThreadPlacement.threadName(rank: rank, member: member)
      let start = unsafe TeamStart(shared, member, name, cpus.isEmpty ? nil : cpus[member % cpus.count])
      let opaque = unsafe Unmanaged.passRetained(start).toOpaque()
      var thread = pthread_t()
      failure = unsafe pthread_create(&thread, nil, teamThread, opaque)
      if failure == 0 {
        threads.append(thread)
      } else {
        unsafe Unmanaged<TeamStart>.fromOpaque(opaque).release()
      }
    }
    let gate = unsafe UnsafeMutableRawPointer(shared).assumingMemoryBound(to: UInt32.self)
    unsafe linuxStoreRelease(gate, (failure == 0 ? TeamGate.run : .abandon).rawValue)
    unsafe linuxFutexWake(gate, Int32.max)
    return (threads, failure)
  }

  private static func free(_ shared: UnsafeMutablePointer<TeamShared>, _ words: UnsafeMutablePointer<UInt32>)
  {
    unsafe shared.deinitialize(count: 1)
    unsafe shared.deallocate()
    unsafe words.deallocate()
  }
}

/// What new threads wait for: all of them exist, or one could not be made.
private enum TeamGate: UInt32 {
  case closed, run, abandon
}

/// What the members of one team share. After the gate, member 0 writes before a barrier and the others read after it.
@safe private struct TeamShared {
  /// A `TeamGate`; first, so that its address is the struct's.
  var gate: UInt32 = TeamGate.closed.rawValue
  var barrier: TeamBarrier
  /// Nil ends the threads.
  var body: ThreadTeam.Body?
  var context: UnsafeMutableRawPointer?

  init(barrier: TeamBarrier) { self.barrier = barrier }
}

/// What a new thread needs to know.
@safe private final class TeamStart {
  let shared: UnsafeMutablePointer<TeamShared>
  let member: Int
  let name: String
  let cpu: Int?

  init(_ shared: UnsafeMutablePointer<TeamShared>, _ member: Int, _ name: String, _ cpu: Int?) {
    unsafe self.shared = shared
    self.member = member
    self.name = name
    self.cpu = cpu
  }
}

/// Life of members 1...: gate, then job after job between two barriers, until there is no body.
private func teamThread(_ opaque: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let start = unsafe Unmanaged<TeamStart>.fromOpaque(opaque!).takeRetainedValue()
  let shared = unsafe start.shared
  let member = start.member
  ThreadPlacement.nameCallingThread(start.name)
  let gate = unsafe UnsafeMutableRawPointer(shared).assumingMemoryBound(to: UInt32.self)
  while unsafe linuxLoadAcquire(gate) == TeamGate.closed.rawValue {
    _ = unsafe linuxFutexWait(gate, TeamGate.closed.rawValue, -1)
  }
  if unsafe linuxLoadAcquire(gate) == TeamGate.abandon.rawValue { return nil }
  if let cpu = start.cpu { try? ThreadPlacement.pinCallingThread(to: [cpu]) }
  let barrier = unsafe shared.pointee.barrier
  while true {
    barrier.wait()
    guard let body = unsafe shared.pointee.body else { return nil }
    unsafe body(shared.pointee.context, member)
    barrier.wait()
  }
}
