import Testing
import Topology

/// Every shape with degrees 1...3 per axis.
private let shapes: [MeshShape] = (0..<243).map { number in
  let digits = [1, 3, 9, 27, 81].map { number / $0 % 3 + 1 }
  return try! MeshShape(
    dp: digits[0], attnDP: digits[1], attnDPExpert: digits[2], ep: digits[3], tp: digits[4])
}

@Test func ranksAndCoordinatesAreInverse() {
  for shape in shapes {
    let mesh = Mesh(shape)
    #expect(mesh.ranks.map { mesh.rank(at: mesh.coordinates(of: $0)) } == Array(mesh.ranks), "\(shape)")
  }
}

@Test func modelVariesFastestAndDataSlowest() throws {
  let mesh = Mesh(try MeshShape(dp: 2, attnDP: 3, attnDPExpert: 2, ep: 2, tp: 4))
  #expect(mesh.worldSize == 96)
  #expect(mesh.coordinates(of: 1) == MeshCoordinates(model: 1))
  #expect(mesh.coordinates(of: 4) == MeshCoordinates(expert: 1))
  #expect(mesh.coordinates(of: 8) == MeshCoordinates(attnDPExpert: 1))
  #expect(mesh.coordinates(of: 16) == MeshCoordinates(attnDP: 1))
  #expect(mesh.coordinates(of: 48) == MeshCoordinates(data: 1))
}

@Test(arguments: MeshGroup.allCases)
func groupsPartitionTheWorldInShareOrder(_ kind: MeshGroup) {
  for shape in shapes {
    let mesh = Mesh(shape)
    let groups = mesh.groups(kind)
    #expect(groups.flatMap(\.ranks).sorted() == Array(mesh.ranks), "\(shape)")
    for group in groups {
      for (index, rank) in group.ranks.enumerated() {
        #expect(mesh.index(of: rank, over: kind.axes) == index)
        #expect(mesh.group(kind, of: rank) == group)
        #expect(group.index(of: rank) == index)
      }
    }
  }
}

@Test func headSharesAreNotInRankOrder() throws {
  let mesh = Mesh(try MeshShape(ep: 2, tp: 3))
  #expect(mesh.attentionGroup(of: 0).ranks == [0, 1, 2, 3, 4, 5])
  #expect(mesh.headGroup(of: 0).ranks == [0, 3, 1, 4, 2, 5])
  #expect(mesh.ranks.map { mesh.attentionIndex(of: $0) } == [0, 2, 4, 1, 3, 5])
  #expect(mesh.ranks.map { mesh.vocabularyIndex(of: $0) } == [0, 1, 2, 3, 4, 5])
}

@Test func everyShareFollowsItsFormula() throws {
  let shape = try MeshShape(dp: 2, attnDP: 2, attnDPExpert: 3, ep: 2, tp: 3)
  let mesh = Mesh(shape)
  for rank in mesh.ranks {
    let at = mesh.coordinates(of: rank)
    #expect(mesh.attentionIndex(of: rank) == at.model * shape.ep + at.expert)
    #expect(mesh.vocabularyIndex(of: rank) == at.expert * shape.tp + at.model)
    #expect(mesh.mlpIndex(of: rank) == at.attnDP * shape.tp + at.model)
    #expect(mesh.expertIndex(of: rank) == at.attnDPExpert * shape.ep + at.expert)
    #expect(mesh.tokenIndex(of: rank) == at.attnDP * shape.attnDPExpert + at.attnDPExpert)
  }
  #expect([mesh.attentionRanks, mesh.tokenOwners, mesh.mlpRanks, mesh.expertRanks] == [6, 6, 6, 6])
}

@Test func expertAndMLPSharesCoverAReplicaOnce() {
  for shape in shapes {
    let mesh = Mesh(shape)
    let shares = mesh.replicaGroup(of: 0).ranks.map {
      mesh.expertIndex(of: $0) * mesh.mlpRanks + mesh.mlpIndex(of: $0)
    }
    #expect(shares.sorted() == Array(0..<shares.count), "\(shape)")
  }
}

@Test func everyWrongDegreeIsNamed() {
  #expect {
    try MeshShape(dp: 0, attnDP: -3, tp: 5000)
  } throws: { error in
    (error as? MeshError)?.sentences == [
      "dp is 0, but must be from 1 to 4096: use 1.",
      "attn_dp is -3, but must be from 1 to 4096: use 1.",
      "tp is 5000, but must be from 1 to 4096: use 4096.",
    ]
  }
}

@Test func aWorldThatIsTooLargeIsRefused() {
  #expect {
    try MeshShape(dp: 4096, attnDP: 4096, attnDPExpert: 4096, ep: 4096, tp: 4096)
  } throws: { error in
    "\(error)".hasPrefix(
      "The mesh dp=4096 attn_dp=4096 attn_dp_expert=4096 ep=4096 tp=4096 has more than 4096 ranks")
  }
  #expect((try? MeshShape(dp: 64, tp: 64))?.worldSize == 4096)
}

@Test func aShapePrintsItsDegrees() throws {
  #expect(MeshShape.single.description == "single")
  #expect(try MeshShape(attnDP: 2, tp: 3).description == "tp=3 attn_dp=2")
}
