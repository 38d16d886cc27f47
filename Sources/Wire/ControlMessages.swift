/// A worker's first words to its coordinator.
package struct Hello: Sendable, Hashable {
  /// The protocol that this build speaks; both sides must have the same.
  package static let currentProtocolVersion: UInt32 = 1

  /// Starts from here on are numbers that workers chose themselves, at random, because nobody started them.
  package static let firstOwnIncarnation: UInt32 = 1 << 31

  /// Identifies the build; workers of another build are refused.
  package var buildID: String
  package var protocolVersion: UInt32
  package var rank: UInt32
  /// Which start of this rank it is: 0 for the first, one more for each replacement.
  package var incarnation: UInt32
  package var processID: Int32
  package var hostName: String
  /// Instruction sets in use, for example "avx2 fma f16c".
  package var cpuFeatures: String
  package var numThreads: UInt32

  package init(
    buildID: String, protocolVersion: UInt32 = Hello.currentProtocolVersion, rank: UInt32,
    incarnation: UInt32 = 0, processID: Int32, hostName: String, cpuFeatures: String, numThreads: UInt32
  ) {
    self.buildID = buildID
    self.protocolVersion = protocolVersion
    self.rank = rank
    self.incarnation = incarnation
    self.processID = processID
    self.hostName = hostName
    self.cpuFeatures = cpuFeatures
    self.numThreads = numThreads
  }
}

/// The coordinator's answer to `Hello`: everything the worker must know, as one JSON document.
package struct Configure: Sendable, Hashable {
  package var epoch: Epoch
  /// UTF-8 JSON; the worker's settings room knows its keys.
  package var settings: [UInt8]

  package init(epoch: Epoch, settings: [UInt8]) {
    self.epoch = epoch
    self.settings = settings
  }
}

/// How far a worker has come with its shard.
package struct LoadProgress: Sendable, Hashable, BitwiseCopyable {
  package var rank: UInt32
  package var bytesDone: UInt64
  package var bytesTotal: UInt64

  package init(rank: UInt32, bytesDone: UInt64, bytesTotal: UInt64) {
    self.rank = rank
    self.bytesDone = bytesDone
    self.bytesTotal = bytesTotal
  }
}

/// A worker that holds its shard and can take steps.
package struct Ready: Sendable, Hashable, BitwiseCopyable {
  package var rank: UInt32
  package var epoch: Epoch
  /// Bytes of packed weights.
  package var weightBytes: UInt64
  /// Pages that its KV pool has room for.
  package var numPages: UInt32

  package init(rank: UInt32, epoch: Epoch, weightBytes: UInt64, numPages: UInt32) {
    self.rank = rank
    self.epoch = epoch
    self.weightBytes = weightBytes
    self.numPages = numPages
  }
}

/// A sign of life that also tells where a rank is, so that "alive but stuck" can be seen.
package struct Pulse: Sendable, Hashable, BitwiseCopyable {
  package var rank: UInt32
  package var epoch: Epoch
  package var step: StepNumber
  package var phase: Phase
  /// Grows with everything that the rank gets done; one that computes and stands still is stuck.
  package var progress: UInt64

  package init(rank: UInt32, epoch: Epoch, step: StepNumber, phase: Phase, progress: UInt64 = 0) {
    self.rank = rank
    self.epoch = epoch
    self.step = step
    self.phase = phase
    self.progress = progress
  }

  package enum Phase: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    case starting = 0
    case loading = 1
    case idle = 2
    case computing = 3
    case communicating = 4
    case sampling = 5
    case stopping = 6
  }
}

/// The end of a step or of a run, with its reason; both sides may send it.
package struct Abort: Sendable, Hashable {
  package var epoch: Epoch
  /// The rank that it is about; nil when no single rank is to blame.
  package var rank: UInt32?
  package var code: Code
  /// One sentence for the user.
  package var text: String
  /// How far the step had come: the operation that failed. Who is stuck earliest is stuck for a reason of its own.
  package var operation: UInt32 = 0

  package init(epoch: Epoch, rank: UInt32?, code: Code, text: String, operation: UInt32 = 0) {
    self.epoch = epoch
    self.rank = rank
    self.code = code
    self.text = text
    self.operation = operation
  }

  package enum Code: UInt8, Sendable, Hashable, CaseIterable {
    case failure = 1
    case badConfiguration = 2
    case checkpoint = 3
    case outOfMemory = 4
    case collectiveDeadline = 5
    case peerLost = 6
    case malformedMessage = 7
    case versionMismatch = 8
    case numeric = 9
    case cancelled = 10
  }
}

/// A new epoch begins: whatever runs or waits of an older one is void; weights, keys and values stay.
package struct EpochChange: Sendable, Hashable {
  package var epoch: Epoch
  /// One sentence for the log.
  package var text: String

  package init(epoch: Epoch, text: String) {
    self.epoch = epoch
    self.text = text
  }
}

/// A worker is in the new epoch: nothing that it sends from now on belongs to an older one.
package struct EpochAcknowledged: Sendable, Hashable, BitwiseCopyable {
  package var rank: UInt32
  package var epoch: Epoch

  package init(rank: UInt32, epoch: Epoch) {
    self.rank = rank
    self.epoch = epoch
  }
}

/// Where the ranks listen for their peers in an epoch.
package struct AddressBook: Sendable, Hashable {
  package var epoch: Epoch
  /// By rank; empty for ranks that the receiver has nothing to do with.
  package var endpoints: [String]

  package init(epoch: Epoch, endpoints: [String]) {
    self.epoch = epoch
    self.endpoints = endpoints
  }
}

/// Tells a spare which rank it is from now on.
package struct Promotion: Sendable, Hashable {
  package var rank: UInt32
  /// Which start of that rank it is.
  package var incarnation: UInt32
  /// The epoch that it joins.
  package var epoch: Epoch
  /// Where it listens for its peers.
  package var dataEndpoint: String

  package init(rank: UInt32, incarnation: UInt32, epoch: Epoch, dataEndpoint: String) {
    self.rank = rank
    self.incarnation = incarnation
    self.epoch = epoch
    self.dataEndpoint = dataEndpoint
  }
}

/// Asks a worker to leave in order.
package struct Shutdown: Sendable, Hashable {
  package var epoch: Epoch
  /// One sentence for the log.
  package var text: String

  package init(epoch: Epoch, text: String) {
    self.epoch = epoch
    self.text = text
  }
}
