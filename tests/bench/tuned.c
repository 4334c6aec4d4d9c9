/* The loss and gradient of an MLP 2-16-16-1 with hinge loss, by hand: a sample a lane, sums tiled in registers, for the
   vectors and the number of registers that the compiler was told of.
   Parameters in the order of the package: for each neuron its weights, then its bias. */
#include <string.h>
#if defined __AVX512F__
#define W 8
#elif defined __AVX__
#define W 4
#else
#define W 2
#endif
#define LAYER 8 /* neurons whose sums are in registers at once */
#if W == 8 /* and 32 registers */
#define ROWS 2 /* a tile of the sums over samples */
#else
#define ROWS 1
#endif
#define COLUMNS 8
typedef double vector __attribute__((vector_size(8 * W), aligned(8)));
typedef long mask __attribute__((vector_size(8 * W)));
#define WHERE(condition, v) ((vector)((mask)(condition) & (mask)(v)))
#define H 16
#define GROUP 8

static inline double add_up(const vector *v) {
    double sum = 0;
    for (int l = 0; l < W; l++) sum += (*v)[l];
    return sum;
}

void loss_and_gradient(long n, const double *X, const double *y, const double *p, double *out) {
    const double *p1 = p, *p2 = p + 3 * H, *p3 = p + 3 * H + H * (H + 1);
    double columns[H][H]; /* the weights of the second layer by input, side by side */
    vector d1w[H][2], d1b[H], d2w[H][H], d2b[H], d3w[H], d3b = {0}, loss = {0}, zero = {0};
    memset(d1w, 0, sizeof d1w); memset(d1b, 0, sizeof d1b); memset(d2w, 0, sizeof d2w);
    memset(d2b, 0, sizeof d2b); memset(d3w, 0, sizeof d3w);
    for (int k = 0; k < H; k++) for (int j = 0; j < H; j++) columns[j][k] = p2[17 * k + j];
    for (long g = 0; g < n; g += W * GROUP) {
        vector x0[GROUP], x1[GROUP], h1[H][GROUP], h2[H][GROUP], g1[H][GROUP], g2[H][GROUP], e[GROUP];
        int blocks = 0;
        for (long i = g; i < n && blocks < GROUP; i += W, blocks++) {
            int u = blocks;
            vector a, b, t, on;
            for (int l = 0; l < W; l++) {
                long r = i + l < n ? i + l : n - 1;
                a[l] = X[2 * r]; b[l] = X[2 * r + 1]; t[l] = y[r]; on[l] = i + l < n;
            }
            x0[u] = a; x1[u] = b;
            for (int j = 0; j < H; j++) {
                vector s = a * p1[3 * j] + b * p1[3 * j + 1] + p1[3 * j + 2];
                h1[j][u] = WHERE(s > 0, s);
            }
            vector out3 = zero + p3[H];
            for (int k = 0; k < H; k += LAYER) {
                vector s[LAYER];
                for (int c = 0; c < LAYER; c++) s[c] = zero + p2[17 * (k + c) + 16];
                for (int j = 0; j < H; j++)
                    for (int c = 0; c < LAYER; c++) s[c] += h1[j][u] * columns[j][k + c];
                for (int c = 0; c < LAYER; c++) {
                    h2[k + c][u] = WHERE(s[c] > 0, s[c]);
                    out3 += h2[k + c][u] * p3[k + c];
                }
            }
            vector m = 1 - t * out3;
            loss += WHERE(m > 0, m * on);
            e[u] = WHERE(m > 0, -t * on);
            for (int k = 0; k < H; k++) g2[k][u] = WHERE(h2[k][u] > 0, e[u] * p3[k]);
            for (int j = 0; j < H; j += LAYER) {
                vector s[LAYER];
                for (int c = 0; c < LAYER; c++) s[c] = zero;
                for (int k = 0; k < H; k++)
                    for (int c = 0; c < LAYER; c++) s[c] += g2[k][u] * p2[17 * k + j + c];
                for (int c = 0; c < LAYER; c++) g1[j + c][u] = WHERE(h1[j + c][u] > 0, s[c]);
            }
        }
        for (int k = 0; k < H; k += ROWS)
            for (int j = 0; j < H; j += COLUMNS) {
                vector s[ROWS][COLUMNS];
                for (int a = 0; a < ROWS; a++) for (int b = 0; b < COLUMNS; b++) s[a][b] = d2w[k + a][j + b];
                for (int u = 0; u < blocks; u++)
                    for (int a = 0; a < ROWS; a++)
                        for (int b = 0; b < COLUMNS; b++) s[a][b] += g2[k + a][u] * h1[j + b][u];
                for (int a = 0; a < ROWS; a++) for (int b = 0; b < COLUMNS; b++) d2w[k + a][j + b] = s[a][b];
            }
        for (int k = 0; k < H; k++) {
            vector s0 = d1w[k][0], s1 = d1w[k][1], s2 = d1b[k], s3 = d2b[k], s4 = d3w[k];
            for (int u = 0; u < blocks; u++) {
                s0 += g1[k][u] * x0[u]; s1 += g1[k][u] * x1[u]; s2 += g1[k][u];
                s3 += g2[k][u]; s4 += e[u] * h2[k][u];
            }
            d1w[k][0] = s0; d1w[k][1] = s1; d1b[k] = s2; d2b[k] = s3; d3w[k] = s4;
        }
        for (int u = 0; u < blocks; u++) d3b += e[u];
    }
    double *o = out;
    *o++ = add_up(&loss) / n;
    for (int j = 0; j < H; j++) {
        *o++ = add_up(&d1w[j][0]) / n; *o++ = add_up(&d1w[j][1]) / n; *o++ = add_up(&d1b[j]) / n;
    }
    for (int k = 0; k < H; k++) {
        for (int j = 0; j < H; j++) *o++ = add_up(&d2w[k][j]) / n;
        *o++ = add_up(&d2b[k]) / n;
    }
    for (int k = 0; k < H; k++) *o++ = add_up(&d3w[k]) / n;
    *o++ = add_up(&d3b) / n;
}
