// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/plain/elementwise.hpp>

namespace tarn::cpu::plain {

/// Calls `cell(output pixel, input pixel, cells of the window, whether it is the window's first)` for each cell of each window.
template <class Cell>
void for_cells(const PoolGeometry& g, Cell cell) {
  for (Index row = 0; row < g.out_h; ++row)
    for (Index column = 0; column < g.out_w; ++column) {
      const PoolGeometry::Range rows = g.rows(row), columns = g.columns(column);
      for (Index h = rows.first; h < rows.last; ++h)
        for (Index w = columns.first; w < columns.last; ++w)
          cell(row * g.out_w + column, h * g.in_w + w, rows.size() * columns.size(), h == rows.first && w == columns.first);
    }
}

// The channels of one pixel are one Eigen array.

template <class T>
void avg_pool2d(const T* x, T* y, const PoolGeometry& g) {
  elements(y, g.out_h * g.out_w * g.channels).setZero();
  for_cells(g, [&](Index out, Index in, Index cells, bool) {
    elements(y + out * g.channels, g.channels) += elements(x + in * g.channels, g.channels) / static_cast<T>(cells);
  });
}
template <class T>
void avg_pool2d_gradient(const T* dy, T* dx, const PoolGeometry& g) {
  elements(dx, g.in_h * g.in_w * g.channels).setZero();
  for_cells(g, [&](Index out, Index in, Index cells, bool) {
    elements(dx + in * g.channels, g.channels) += elements(dy + out * g.channels, g.channels) / static_cast<T>(cells);
  });
}

template <class T>
void max_pool2d(const T* x, T* y, const PoolGeometry& g) {
  for_cells(g, [&](Index out, Index in, Index, bool first) {
    auto largest = elements(y + out * g.channels, g.channels);
    const auto value = elements(x + in * g.channels, g.channels);
    if (first)
      largest = value;
    else
      largest = (value > largest || value.isNaN()).select(value, largest);
  });
}
template <class T>
void max_pool2d_gradient(const T* x, const T* y, const T* dy, T* dx, const PoolGeometry& g) {
  elements(dx, g.in_h * g.in_w * g.channels).setZero();
  for (Index c = 0; c < g.channels; ++c) {
    bool given = false;
    for_cells(g, [&](Index out, Index in, Index, bool first) {
      if (first) given = false;
      if (given || x[in * g.channels + c] != y[out * g.channels + c]) return;
      dx[in * g.channels + c] += dy[out * g.channels + c];
      given = true;
    });
  }
}

}  // namespace tarn::cpu::plain
