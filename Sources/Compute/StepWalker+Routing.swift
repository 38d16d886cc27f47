internal import Tensors

extension StepWalker {
  /// Scores to probabilities, the best k experts of each row, and their weights; split by rows.
  ///
  /// Weights are the probabilities of the chosen experts, best first, ties to the lowest expert; a selection
  /// bias moves the choice only. With groups (DeepSeek-V3 technical report, section 2.1.2), a group's score
  /// is the sum of its two best experts and only experts of the best groups may be chosen.
  func route(_ op: RouterOp) {
    for row in share(tables.ownRows) {
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * op.numExperts + op.numChosen) {
        scratch in
        guard let scores = scratch.baseAddress else { return }
        let selection = unsafe scores + op.numExperts
        let logits = unsafe bases.floats(op.logits) + row * op.numExperts
        if op.sigmoid {
          unsafe kernels.sigmoid(x: logits, y: scores, count: op.numExperts)
        } else {
          unsafe kernels.softmax(x: logits, y: scores, count: op.numExperts)
        }
        let bias = unsafe op.selectionBias.map { unsafe bases.floats($0) }
        for expert in 0..<op.numExperts {
          unsafe selection[expert] = scores[expert] + (bias?[expert] ?? 0)
        }
        if op.numGroups > 1 { unsafe excludeGroups(op, selection) }
        let chosen = unsafe bases.ints(op.chosen) + row * op.numChosen
        unsafe kernels.topK(
          x: selection, size: op.numExperts, count: op.numChosen, indices: chosen,
          values: selection + op.numExperts)
        unsafe weigh(op, scores, chosen, bases.floats(op.weights) + row * op.numChosen)
      }
    }
  }

  private func weigh(
    _ op: RouterOp, _ scores: UnsafeMutablePointer<Float>, _ chosen: UnsafeMutablePointer<Int32>,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    var sum: Float = 0
    for slot in 0..<op.numChosen {
      unsafe weights[slot] = scores[Int(chosen[slot])]
      unsafe sum += weights[slot]
    }
    for slot in 0..<op.numChosen {
      // Sigmoids may all underflow; a softmax cannot.
      if op.normalize { unsafe weights[slot] /= op.sigmoid ? sum + 1e-20 : sum }
      if op.scale != 1 { unsafe weights[slot] *= op.scale }
    }
  }

  /// Leaves only experts of the best groups selectable.
  private func excludeGroups(_ op: RouterOp, _ selection: UnsafeMutablePointer<Float>) {
    let size = op.numExperts / op.numGroups
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: op.numGroups) { groupScores in
      for group in 0..<op.numGroups {
        var best = -Float.infinity
        var second = -Float.infinity
        for expert in group * size..<(group + 1) * size {
          let score = unsafe selection[expert]
          if score > best {
            second = best
            best = score
          } else if score > second {
            second = score
          }
        }
        unsafe groupScores[group] = size > 1 ? best + second : best
      }
      for group in 0..<op.numGroups {
        let score = unsafe groupScores[group]
        var better = 0
        for other in 0..<op.numGroups {
          let rival = unsafe groupScores[other]
          if rival > score || (rival == score && other < group) { better += 1 }
        }
        guard better >= op.numGroupsChosen else { continue }
        for expert in group * size..<(group + 1) * size { unsafe selection[expert] = -.infinity }
      }
    }
  }
}
