internal import Compute
internal import Layers
internal import Models
internal import Tensors
internal import Topology

/// Checksums of the residual stream, which all ranks of an attention group hold alike.
///
/// After the last sum of a step each of them has the same rows to the bit. A rank whose rows differ has computed or
/// received something wrong that no frame checksum could see: a bit that fell over in memory, a broken arithmetic unit.
/// The first rank gets 4 bytes from each other one with the candidates and compares. What all ranks got wrong alike, as
/// a wrong part of a sum, does not show.
///
/// Cost: one CRC-32C over rows x hidden size x 4 bytes on each rank.
extension StepRunner {
  /// Adds this rank's digest, or those of the others, to the exchange of candidates that is being listed.
  func listDigests() {
    guard digestRows > 0, let digests = program.places.digests else { return }
    let ranks = program.geometry.attentionGroup.ranks
    for (index, rank) in ranks.enumerated() {
      let place = digests.advanced(byFloats: index)
      if rank == program.geometry.rank {
        memory.store(
          checksumOf: program.places.residual, byteCount: digestRows * program.hiddenSize * 4, at: place)
        if !isReporter { list.send(to: ranks[0], byteOffset: place.byteOffset, byteCount: 4) }
      } else if isReporter {
        list.receive(from: rank, byteOffset: place.byteOffset, byteCount: 4)
      }
    }
  }

  /// Throws when a rank's digest is not that of most.
  func compareDigests() throws(WorkerError) {
    guard digestRows > 0, isReporter, let digests = program.places.digests else { return }
    let ranks = program.geometry.attentionGroup.ranks
    let odd = memory.withInts(digests, count: ranks.count) { Self.firstOdd($0) }
    guard let odd else { return }
    throw .diverged(
      rank: ranks[odd],
      "the activations of rank \(ranks[odd]) differ from those of the other ranks of its attention group, though "
        + "every frame was whole")
  }

  /// Index of the first digest that is not the most frequent one; of two, the second.
  static func firstOdd(_ digests: Span<Int32>) -> Int? {
    var (best, votes) = (0, 0)
    for index in digests.indices {
      let same = digests.indices.count { digests[$0] == digests[index] }
      if same > votes { (best, votes) = (index, same) }
    }
    return digests.indices.first { digests[$0] != digests[best] }
  }
}
