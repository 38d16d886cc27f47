/// The keys of one run: the coordinator's pair, and the pair of each rank.
///
/// Made for the run and forgotten with it. A rank gets its pair through a pipe or a file that only its user can read,
/// never as an argument or a variable; the coordinator's public key is no secret and travels with its address.
package struct RunKeys: Sendable {
  package let coordinator: CurveKeys
  /// By rank; one for all when the run was started with a join secret.
  private let ranks: [CurveKeys]
  private let isShared: Bool
  /// From here on they are spares', which may become any rank.
  private let firstSpare: Int

  /// Fresh pairs for every rank, and for every spare after them.
  package static func generate(worldSize: Int, spares: Int = 0) throws(TransportError) -> RunKeys {
    var ranks: [CurveKeys] = []
    for _ in 0..<(worldSize + spares) { ranks.append(try CurveKeys.generate()) }
    return RunKeys(
      coordinator: try CurveKeys.generate(), ranks: ranks, isShared: false, firstSpare: worldSize)
  }

  /// The pairs of a join secret, with which any rank may come from anywhere.
  package init(_ secret: JoinSecret) {
    self.init(coordinator: secret.coordinator, ranks: [secret.worker], isShared: true, firstSpare: 1)
  }

  private init(coordinator: CurveKeys, ranks: [CurveKeys], isShared: Bool, firstSpare: Int) {
    self.coordinator = coordinator
    self.firstSpare = firstSpare
    self.ranks = ranks
    self.isShared = isShared
  }

  /// What a rank reads from its standard input to be let in, one line.
  package func ticket(of rank: Int) -> String {
    WorkerPass.rankPrefix + ranks[isShared ? 0 : rank].secretKey + "\n"
  }

  /// Public keys of those who may connect to the coordinator, and the rank that each may be: `ZMQContext.anyRank` for
  /// whoever holds the join secret.
  package var guests: [String: String] {
    if isShared { return [ranks[0].publicKey: ZMQContext.anyRank] }
    let names = ranks.enumerated().map {
      ($1.publicKey, $0 < firstSpare ? "\($0)" : ZMQContext.anyRank)
    }
    return Dictionary(names) { first, _ in first }
  }
}

/// What a coordinator and workers that are started apart from it share: one line in a file that only its user can read.
package struct JoinSecret: Sendable, Hashable {
  let coordinator: CurveKeys
  let worker: CurveKeys

  package static func generate() throws(TransportError) -> JoinSecret {
    JoinSecret(coordinator: try CurveKeys.generate(), worker: try CurveKeys.generate())
  }

  private init(coordinator: CurveKeys, worker: CurveKeys) {
    self.coordinator = coordinator
    self.worker = worker
  }

  /// Reads the line; white space around it does not matter.
  package init(_ text: String) throws(TransportError) {
    guard case .join(let secret) = try WorkerPass(text) else {
      throw TransportError(.malformedKey, "this is no join secret; make one with 'meshdecode join-secret'")
    }
    self = secret
  }

  init(keys text: Substring) throws(TransportError) {
    self.init(
      coordinator: try CurveKeys(secretKey: String(text.prefix(CurveKeys.keyLength))),
      worker: try CurveKeys(secretKey: String(text.dropFirst(CurveKeys.keyLength))))
  }

  /// The line, with its newline.
  package var text: String { WorkerPass.joinPrefix + coordinator.secretKey + worker.secretKey + "\n" }
}

/// What lets a worker in: its own key as its launcher wrote it, or the join secret of the run.
package enum WorkerPass: Sendable, Hashable {
  case rank(CurveKeys)
  case join(JoinSecret)

  static let rankPrefix = "meshdecode-rank-1 "
  static let joinPrefix = "meshdecode-join-1 "
  /// Longest line that is one.
  package static let maxBytes = 256

  /// - Throws: one sentence that repeats nothing of a secret.
  package init(_ text: String) throws(TransportError) {
    let line = text.drop(while: \.isWhitespace)
    let end = line.lastIndex { !$0.isWhitespace }.map { line.index(after: $0) } ?? line.startIndex
    let body = line[..<end]
    if body.hasPrefix(Self.rankPrefix) {
      self = .rank(try CurveKeys(secretKey: String(body.dropFirst(Self.rankPrefix.count))))
    } else if body.hasPrefix(Self.joinPrefix) {
      self = .join(try JoinSecret(keys: body.dropFirst(Self.joinPrefix.count)))
    } else {
      throw TransportError(
        .malformedKey,
        "the secret must be one line that begins with '\(Self.joinPrefix)'; make one with "
          + "'meshdecode join-secret'")
    }
  }

  /// The pair that the worker shows.
  package var keys: CurveKeys {
    switch self {
    case .rank(let keys): keys
    case .join(let secret): secret.worker
    }
  }

  /// The coordinator's public key, when the pass says it.
  package var coordinatorKey: String? {
    if case .join(let secret) = self { secret.coordinator.publicKey } else { nil }
  }
}
