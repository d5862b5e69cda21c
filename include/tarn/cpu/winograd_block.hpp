// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/geometry.hpp>

/// Convolutions by a 3x3 kernel in fewer multiplications (Winograd's minimal filtering F(2x2, 3x3); Lavin and Gray, 2015,
/// arXiv:1509.09308): y = A^T [(G w G^T) * (B^T x B)] A for each tile of 2x2 outputs, * element by element at the 16 positions of a
/// tile, which sums over channels make 16 matrix products: 16 multiplications where the definition takes 36.
///   B^T = 1  0 -1  0    G =  1    0    0    A^T = 1  1  1  0
///         0  1  1  0        1/2  1/2  1/2         0  1 -1 -1
///         0 -1  1  0        1/2 -1/2  1/2
///         0  1  0 -1         0    0    1
namespace tarn::cpu {

/// The tiles of a batch's outputs, counted over groups, rows of tiles and columns of tiles.
struct WinogradTiles {
  static constexpr Index positions = 16;
  Index rows, columns;  ///< of tiles, in a group; the last ones may reach over the edge

  explicit WinogradTiles(const ConvGeometry& g) : rows{(g.out_h + 1) / 2}, columns{(g.out_w + 1) / 2} {}
  Index in_group() const { return rows * columns; }

  struct Tile {
    Index group, row, column;  ///< row and column of its first output
  };
  Tile operator[](Index tile) const { return {tile / in_group(), tile % in_group() / columns * 2, tile % columns * 2}; }
};

}  // namespace tarn::cpu
