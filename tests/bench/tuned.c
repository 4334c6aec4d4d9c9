/* The loss and gradient of an MLP 2-16-16-1 with hinge loss, by hand: 8 samples a vector, sums tiled in registers.
   Parameters in the order of the package: for each neuron its weights, then its bias. */
#include <string.h>
typedef double v8 __attribute__((vector_size(64), aligned(8)));
typedef long l8 __attribute__((vector_size(64)));
#define WHERE(mask, v) ((v8)((l8)(mask) & (l8)(v)))
#define H 16
#define GROUP 8

static double add_up(v8 v) { return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])); }

void loss_and_gradient(long n, const double *X, const double *y, const double *p, double *out) {
    const double *p1 = p, *p2 = p + 3 * H, *p3 = p + 3 * H + H * (H + 1);
    v8 d1w[H][2], d1b[H], d2w[H][H], d2b[H], d3w[H], d3b = {0}, loss = {0};
    memset(d1w, 0, sizeof d1w); memset(d1b, 0, sizeof d1b); memset(d2w, 0, sizeof d2w);
    memset(d2b, 0, sizeof d2b); memset(d3w, 0, sizeof d3w);
    for (long g = 0; g < n; g += 8 * GROUP) {
        v8 x0[GROUP], x1[GROUP], h1[H][GROUP], h2[H][GROUP], g1[H][GROUP], g2[H][GROUP], e[GROUP];
        int blocks = 0;
        for (long i = g; i < n && blocks < GROUP; i += 8, blocks++) {
            int u = blocks;
            v8 a, b, t, on;
            for (int l = 0; l < 8; l++) {
                long r = i + l < n ? i + l : n - 1;
                a[l] = X[2 * r]; b[l] = X[2 * r + 1]; t[l] = y[r]; on[l] = i + l < n;
            }
            x0[u] = a; x1[u] = b;
            v8 zero = {0};
            for (int j = 0; j < H; j++) {
                v8 s = a * p1[3 * j] + b * p1[3 * j + 1] + p1[3 * j + 2];
                h1[j][u] = WHERE(s > 0, s);
            }
            v8 out3 = zero + p3[H];
            for (int k = 0; k < H; k++) {
                v8 s = zero + p2[17 * k + 16];
                for (int j = 0; j < H; j++) s += h1[j][u] * p2[17 * k + j];
                h2[k][u] = WHERE(s > 0, s);
                out3 += h2[k][u] * p3[k];
            }
            v8 m = 1 - t * out3;
            loss += WHERE(m > 0, m * on);
            e[u] = WHERE(m > 0, -t * on);
            v8 back[H];
            for (int j = 0; j < H; j++) back[j] = zero;
            for (int k = 0; k < H; k++) {
                g2[k][u] = WHERE(h2[k][u] > 0, e[u] * p3[k]);
                for (int j = 0; j < H; j++) back[j] += g2[k][u] * p2[17 * k + j];
            }
            for (int j = 0; j < H; j++) g1[j][u] = WHERE(h1[j][u] > 0, back[j]);
        }
        for (int k = 0; k < H; k += 4)
            for (int j = 0; j < H; j += 4) {
                v8 s[4][4];
                for (int a = 0; a < 4; a++) for (int b = 0; b < 4; b++) s[a][b] = d2w[k + a][j + b];
                for (int u = 0; u < blocks; u++)
                    for (int a = 0; a < 4; a++) for (int b = 0; b < 4; b++) s[a][b] += g2[k + a][u] * h1[j + b][u];
                for (int a = 0; a < 4; a++) for (int b = 0; b < 4; b++) d2w[k + a][j + b] = s[a][b];
            }
        for (int k = 0; k < H; k++)
            for (int u = 0; u < blocks; u++) {
                d1w[k][0] += g1[k][u] * x0[u]; d1w[k][1] += g1[k][u] * x1[u]; d1b[k] += g1[k][u];
                d2b[k] += g2[k][u]; d3w[k] += e[u] * h2[k][u];
            }
        for (int u = 0; u < blocks; u++) d3b += e[u];
    }
    double *o = out;
    *o++ = add_up(loss) / n;
    for (int j = 0; j < H; j++) { *o++ = add_up(d1w[j][0]) / n; *o++ = add_up(d1w[j][1]) / n; *o++ = add_up(d1b[j]) / n; }
    for (int k = 0; k < H; k++) { for (int j = 0; j < H; j++) *o++ = add_up(d2w[k][j]) / n; *o++ = add_up(d2b[k]) / n; }
    for (int k = 0; k < H; k++) *o++ = add_up(d3w[k]) / n;
    *o++ = add_up(d3b) / n;
}
