package import Topology

/// What one mesh of `bench scale` did.
package struct ScaleRow: Sendable {
  package var mesh: MeshShape
  package var threadsPerWorker: Int
  /// Cores that the ranks keep busy: their threads, at most the cores of the hosts.
  package var cores: Int
  package var weightBytes: Int
  /// Generated tokens per second of each measured run, times not recorded.
  package var samples: [Double]
  /// The same of the run whose times were recorded.
  package var recordedTokensPerSecond: Double
  package var split: LatencySplit?
  /// Sequences decoded at once.
  package var batch: Int
  /// Whether every sequence got the tokens that it got on the first mesh.
  package var equalsFirst: Bool

  /// What was predicted before the mesh ran.
  package var prediction: LatencySplit?

  package init(
    mesh: MeshShape, threadsPerWorker: Int, cores: Int, weightBytes: Int, samples: [Double],
    recordedTokensPerSecond: Double, split: LatencySplit?, batch: Int, equalsFirst: Bool
  ) {
    self.mesh = mesh
    self.threadsPerWorker = threadsPerWorker
    self.cores = cores
    self.weightBytes = weightBytes
    self.samples = samples
    self.recordedTokensPerSecond = recordedTokensPerSecond
    self.split = split
    self.batch = batch
    self.equalsFirst = equalsFirst
  }

  package var median: Double {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return 0 }
    return (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
  }

  /// Standard deviation of the samples.
  package var spread: Double {
    guard samples.count > 1 else { return 0 }
    let mean = samples.reduce(0, +) / Double(samples.count)
    let squares = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(samples.count - 1)).squareRoot()
  }

  /// Predicted against measured time per step: above 0 when the mesh was faster than predicted.
  package var predictionError: Double? {
    prediction.map { $0.seconds / secondsPerToken - 1 }
  }

  /// The term whose prediction is furthest from what was measured, and by how many seconds.
  package var worstTerm: (name: String, difference: Double)? {
    guard let prediction, let split else { return nil }
    return LatencySplit.terms
      .map { (name: $0.name, difference: prediction[keyPath: $0.value] - split[keyPath: $0.value]) }
      .max { $0.difference.magnitude < $1.difference.magnitude }
  }

  /// Seconds from one token of a sequence to its next.
  package var secondsPerToken: Double { Double(batch) / median }

  /// Payload bytes that ranks sent to each other for one token.
  package var bytesPerToken: Double? {
    split.map { $0.bytesPerStep * Double(mesh.dp) / Double(batch) }
  }

  /// Tokens per second and core, against `first`.
  package func efficiency(against first: ScaleRow) -> Double {
    (median / Double(cores)) / (first.median / Double(first.cores))
  }
}
