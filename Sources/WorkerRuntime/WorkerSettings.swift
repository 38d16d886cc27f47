package import Models
package import Parsing
package import Tensors
package import Topology

/// What the coordinator tells a worker before it loads: the model, its place on the mesh, and the sizes of
/// the run.
package struct WorkerSettings: Sendable, Hashable {
  /// Checkpoint directory on the worker's host; empty with dummy weights from a bare configuration.
  package var modelDirectory: String
  /// The model's configuration with all overrides applied, as JSON text.
  package var configJSON: String
  /// Seed of dummy weights; nil loads the checkpoint.
  package var dummySeed: UInt64?
  package var weightDType: WeightDTypeChoice
  package var quantization: Quantization
  package var mesh: MeshShape
  package var rank: Int
  package var limits: RunLimits
  package var threads: Int
  /// Whether idle threads spin a little before they sleep; off when ranks outnumber cores.
  package var spins: Bool
  /// This worker's number among those of its host, which decides about its CPUs; negative leaves that to the kernel.
  package var seat: Int
  /// Workers of its host.
  package var seats: Int
  /// `reference`, `avx2`, `avx512` or empty for the best one.
  package var instructionSet: String
  /// Longest wait of one collective.
  package var collectiveMilliseconds: Int
  package var expertDispatch: ExpertDispatchMode
  package var observations: RunObservations = []
  /// What the links to the other ranks are like, as `LinkConditions` writes it; empty leaves them as they are.
  package var linkConditions = ""
  /// Whether it tells where its weights lie in memory, for drills that break them from outside.
  package var tellsAddresses = false
  /// A spare loads the shards of all ranks.
  package var preloads = false
  /// Weight of each rank's share; empty: all alike.
  package var balance: [Double] = []

  package init(
    modelDirectory: String, configJSON: String, dummySeed: UInt64?,
    weightDType: WeightDTypeChoice = .stored, quantization: Quantization = .none, mesh: MeshShape, rank: Int,
    limits: RunLimits,
    threads: Int, spins: Bool, seat: Int = -1, seats: Int = 1,
    instructionSet: String,
    collectiveMilliseconds: Int, expertDispatch: ExpertDispatchMode
  ) {
    self.modelDirectory = modelDirectory
    self.configJSON = configJSON
    self.dummySeed = dummySeed
    self.weightDType = weightDType
    self.quantization = quantization
    self.mesh = mesh
    self.rank = rank
    self.limits = limits
    self.threads = threads
    self.spins = spins
    self.seat = seat
    self.seats = seats
    self.instructionSet = instructionSet
    self.collectiveMilliseconds = collectiveMilliseconds
    self.expertDispatch = expertDispatch
  }
}

/// The type that weights are computed with.
package enum WeightDTypeChoice: UInt8, Sendable, Hashable, CaseIterable {
  /// As the checkpoint stores them, exactly.
  case stored
  /// Rounded to bfloat16.
  case bf16
  /// Widened to float32.
  case f32
}

/// How MoE rows reach the ranks that own their experts.
package enum ExpertDispatchMode: UInt8, Sendable, Hashable, CaseIterable {
  /// Chosen per layer and batch by bytes.
  case auto
  /// Only routed rows move.
  case allToAll
  /// All rows of the replica are gathered first.
  case allReduce

  package init?(flag: String) {
    switch flag {
    case "auto": self = .auto
    case "all-to-all": self = .allToAll
    case "all-reduce": self = .allReduce
    default: return nil
    }
  }
}

extension WorkerSettings {
  /// The settings as bytes of a `Configure` message.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: configJSON.utf8.count + 512)
    writer.lengthPrefixedString(modelDirectory)
    writer.lengthPrefixedString(configJSON)
    writer.bool(dummySeed != nil)
    writer.u64(dummySeed ?? 0)
    writer.u8(weightDType.rawValue)
    writer.u8(quantization.rawValue)
    for axis in MeshAxis.allCases { writer.u32(UInt32(mesh[axis])) }
    writer.u32(UInt32(rank))
    for value in [
      limits.maxBatchedTokens, limits.maxSequences, limits.maxModelLength, limits.pageSlots, limits.numPages,
    ] { writer.u32(UInt32(value)) }
    writer.u8(limits.kvFormat.rawValue)
    writer.bool(limits.scoresRows)
    writer.u32(UInt32(threads))
    writer.bool(spins)
    writer.i32(Int32(seat))
    writer.u32(UInt32(seats))
    writer.lengthPrefixedString(instructionSet)
    writer.u32(UInt32(collectiveMilliseconds))
    writer.u8(expertDispatch.rawValue)
    writer.u8(observations.rawValue)
    writer.lengthPrefixedString(linkConditions)
    writer.bool(tellsAddresses)
    writer.bool(preloads)
    writer.u32(UInt32(balance.count))
    for weight in balance { writer.u64(weight.bitPattern) }
    return writer.bytes
  }

  /// Reads what `encoded` wrote; anything else is a `ParseError`.
  package init(decoding bytes: [UInt8]) throws(ParseError) {
    var reader = ByteReader(bytes.span)
    modelDirectory = try reader.lengthPrefixedString(atMost: 4096, "model directory")
    configJSON = try reader.lengthPrefixedString(atMost: 1 << 20, "model configuration")
    let isDummy = try reader.bool("dummy weights")
    let seed = try reader.u64("seed")
    dummySeed = isDummy ? seed : nil
    weightDType = WeightDTypeChoice(rawValue: try reader.u8("weight type")) ?? .stored
    quantization = Quantization(rawValue: try reader.u8("quantization")) ?? .none
    var degrees: [Int] = []
    for _ in MeshAxis.allCases { degrees.append(Int(try reader.u32("mesh axis"))) }
    do throws(MeshError) {
      mesh = try MeshShape(
        dp: degrees[0], attnDP: degrees[1], attnDPExpert: degrees[2], ep: degrees[3], tp: degrees[4])
    } catch {
      throw ParseError(message: "\(error)", byteOffset: reader.position)
    }
    rank = Int(try reader.u32("rank"))
    limits = RunLimits(
      maxBatchedTokens: Int(try reader.u32("tokens")), maxSequences: Int(try reader.u32("sequences")),
      maxModelLength: Int(try reader.u32("length")), pageSlots: Int(try reader.u32("page slots")),
      numPages: Int(try reader.u32("pages")),
      kvFormat: KVFormat(rawValue: try reader.u8("kv format")) ?? .f32,
      scoresRows: try reader.bool("scores"))
    threads = Int(try reader.u32("threads"))
    spins = try reader.bool("spinning")
    seat = Int(try reader.i32("seat"))
    seats = Int(try reader.u32("seats"))
    instructionSet = try reader.lengthPrefixedString(atMost: 32, "instruction set")
    collectiveMilliseconds = Int(try reader.u32("collective deadline"))
    expertDispatch = ExpertDispatchMode(rawValue: try reader.u8("dispatch")) ?? .auto
    observations = RunObservations(rawValue: try reader.u8("observations"))
    linkConditions = try reader.lengthPrefixedString(atMost: 256 << 10, "link conditions")
    tellsAddresses = try reader.bool("addresses")
    preloads = try reader.bool("preloading")
    for _ in 0..<(try reader.count(of: 8, "weights")) {
      balance.append(Double(bitPattern: try reader.u64("weight")))
    }
    try reader.expectEnd()
    guard rank < mesh.worldSize else {
      throw ParseError(message: "rank \(rank) is not on the mesh", byteOffset: 0)
    }
  }
}
