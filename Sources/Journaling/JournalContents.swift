package import Parsing
package import Scheduling
package import Wire

/// What a journal says when it is read from its beginning: every request, and how far each completion has come.
package struct JournalContents: Sendable, Hashable {
  /// The first coordinator's words; nil in an empty journal.
  package private(set) var opening: JournalOpening?
  /// Coordinators that have written here.
  package private(set) var numOpenings = 0
  /// In the order in which they were accepted, those that were turned down after all among them.
  private var entries: [Entry] = []
  /// Whole records reach this far; what follows is the torn end of a write that a crash cut short.
  package private(set) var validBytes = 0
  package private(set) var tornBytes = 0
  private var places: [RequestID: Int] = [:]

  /// A request and what came of it.
  package struct Entry: Sendable, Hashable {
    package var request: JournaledRequest
    /// By number; those without any token are not there.
    package fileprivate(set) var completions: [Int: Output] = [:]
    fileprivate var isWithdrawn = false

    package func output(_ completion: Int) -> Output { completions[completion] ?? Output() }

    /// Every completion has ended.
    package var isOver: Bool {
      completions.count == request.sampling.n && completions.values.allSatisfy { $0.finish != nil }
    }
  }

  /// One completion so far.
  package struct Output: Sendable, Hashable {
    package fileprivate(set) var tokens: [TokenID] = []
    package fileprivate(set) var logprobs: [TokenLogprobs] = []
    package fileprivate(set) var finish: FinishReason?
  }

  package static let maxRequests = 1_000_000

  /// In the order in which they were accepted.
  package var requests: [Entry] { entries.filter { !$0.isWithdrawn } }

  package init() {}

  /// Reads a whole journal.
  ///
  /// A record that is broken and the last one is the torn end of a write; broken ones before others mean damage.
  ///
  /// - Throws: `JournalError` naming `path`, the byte and what can be done.
  package init(bytes: [UInt8], path: String) throws(JournalError) {
    guard !bytes.isEmpty else { return }
    let magic = JournalFormat.magic
    guard bytes.starts(with: magic) else {
      guard magic.starts(with: bytes) else {
        throw JournalError("\(path) is no journal of this program; give another file")
      }
      tornBytes = bytes.count
      return
    }
    validBytes = magic.count
    while validBytes < bytes.count {
      guard let end = try Self.frameEnd(bytes, at: validBytes, path) else { break }
      let record: JournalRecord
      do throws(ParseError) {
        record = try JournalRecord(
          decoding: bytes.span.extracting((validBytes + JournalFormat.frameBytes)..<end))
        try take(record)
      } catch {
        throw JournalError("\(path), byte \(validBytes): \(error.message)")
      }
      validBytes = end
    }
    tornBytes = bytes.count - validBytes
  }

  /// Where the frame at `start` ends; nil when it is the torn last one.
  private static func frameEnd(
    _ bytes: [UInt8], at start: Int, _ path: String
  ) throws(JournalError) -> Int? {
    let left = bytes.count - start
    guard left >= JournalFormat.frameBytes else { return nil }
    func u32(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[start + offset + $1]) << UInt32(8 * $1) }
    }
    let length = Int(u32(0))
    let end = start + JournalFormat.frameBytes + length
    let isWhole = length > 0 && length <= JournalFormat.maxPayloadBytes && end <= bytes.count
    if isWhole, JournalFormat.checksum(bytes.span.extracting(start..<end)) == u32(4) { return end }
    // After a power cut the last blocks of a file may be zeros.
    guard end >= bytes.count || bytes[start...].allSatisfy({ $0 == 0 }) else {
      throw JournalError(
        "\(path) is damaged at byte \(start) of \(bytes.count); 'truncate -s \(start) \(path)' keeps what is before it"
      )
    }
    return nil
  }

  /// Takes one more record in.
  package mutating func take(_ record: JournalRecord) throws(ParseError) {
    switch record {
    case .opened(let opening):
      if let first = self.opening, first != opening { throw Self.refusal("two different runs are mixed") }
      self.opening = opening
      numOpenings += 1
    case .accepted(let request):
      guard opening != nil else { throw Self.refusal("a request comes before the opening") }
      guard places[request.id] == nil else { throw Self.refusal("\(request.id) is there twice") }
      guard entries.count < Self.maxRequests else {
        throw Self.refusal("it has more than \(Self.maxRequests) requests")
      }
      places[request.id] = entries.count
      entries.append(Entry(request: request))
    case .progress(let progress):
      for entry in progress { try take(entry) }
    }
  }

  private mutating func take(_ progress: JournalProgress) throws(ParseError) {
    switch progress {
    case .token(let id, let completion, let index, let token, let logprobs):
      let place = try place(of: id, completion)
      let known = entries[place].output(completion)
      guard known.finish == nil, known.tokens.count == index,
        known.logprobs.count == (logprobs == nil ? 0 : index)
      else {
        throw Self.refusal("token \(index) of \(id) does not follow \(known.tokens.count) others")
      }
      entries[place].completions[completion, default: Output()].tokens.append(token)
      if let logprobs { entries[place].completions[completion]?.logprobs.append(logprobs) }
    case .ended(let id, let completion, let reason):
      let place = try place(of: id, completion)
      guard entries[place].output(completion).finish == nil else { throw Self.refusal("\(id) ends twice") }
      entries[place].completions[completion, default: Output()].finish = reason
    case .withdrawn(let id):
      let place = try place(of: id, 0)
      guard entries[place].completions.isEmpty else {
        throw Self.refusal("\(id) was turned down after its start")
      }
      entries[place].isWithdrawn = true
      places[id] = nil
    }
  }

  private func place(of id: RequestID, _ completion: Int) throws(ParseError) -> Int {
    guard let place = places[id] else { throw Self.refusal("\(id) was never accepted") }
    guard (0..<entries[place].request.sampling.n).contains(completion) else {
      throw Self.refusal("\(id) has no completion \(completion)")
    }
    return place
  }

  private static func refusal(_ text: String) -> ParseError { ParseError(message: text, byteOffset: 0) }

  /// Requests that are not over.
  package var numUnfinished: Int { requests.count { !$0.isOver } }

  /// Tokens of all completions.
  package var numTokens: Int {
    requests.reduce(0) { $0 + $1.completions.values.reduce(0) { $0 + $1.tokens.count } }
  }

  /// The first epoch of the coordinator that opens the journal next: later than any that a former one can have given,
  /// because each has four thousand million of its own.
  package var nextFirstEpoch: Epoch { Epoch(rawValue: UInt64(numOpenings) << 32 | 1) }
}
