/* An LSTM with one sigmoid output, and Adam: a whole epoch of updates of one network.

   The least that a processor has to do for an update: no framework, no allocation, every
   size known to the compiler. Weights as in Keras, end to end; Adam in Keras's form. */

#include <math.h>
#include <string.h>

enum {
  U = UNITS,
  F = FEATURES,
  T = TIMESTEPS,
  B = LANES,
  G = 4 * U,         /* gates i, f, g, o */
  A = F + U + 1,     /* what the gates see: x, h and 1 */
  P = A * G + U + 1, /* weights in all */
};

typedef struct {
  float a[A], gate[G], c[U], tanh_c[U]; /* c is that before the step */
} Step;

static inline float sigmoid(float x) { return 1 / (1 + expf(-x)); }

/* Advance one lane, and note what the way back needs. */
static void forward(const float *x, const float *w, float *h, float *c, Step *s) {
  float z[G] = {0};
  memcpy(s->a, x, F * sizeof(float));
  memcpy(s->a + F, h, U * sizeof(float));
  s->a[A - 1] = 1;
  for (int i = 0; i < A; i++)
    for (int k = 0; k < G; k++) z[k] += s->a[i] * w[i * G + k];
  for (int k = 0; k < 2 * U; k++) s->gate[k] = sigmoid(z[k]);
  for (int k = 2 * U; k < 3 * U; k++) s->gate[k] = tanhf(z[k]);
  for (int k = 3 * U; k < G; k++) s->gate[k] = sigmoid(z[k]);
  memcpy(s->c, c, U * sizeof(float));
  for (int j = 0; j < U; j++) {
    c[j] = s->gate[U + j] * c[j] + s->gate[j] * s->gate[2 * U + j];
    s->tanh_c[j] = tanhf(c[j]);
    h[j] = s->gate[3 * U + j] * s->tanh_c[j];
  }
}

/* Add one lane's gradient; dh and dc become those of the step before. */
static void backward(const float *w, const Step *s, float *dh, float *dc, float *grad,
                     int last) {
  float dz[G];
  for (int j = 0; j < U; j++) {
    float i = s->gate[j], f = s->gate[U + j];
    float g = s->gate[2 * U + j], o = s->gate[3 * U + j];
    float d = dc[j] + dh[j] * o * (1 - s->tanh_c[j] * s->tanh_c[j]);
    dz[j] = d * g * i * (1 - i);
    dz[U + j] = d * s->c[j] * f * (1 - f);
    dz[2 * U + j] = d * i * (1 - g * g);
    dz[3 * U + j] = dh[j] * s->tanh_c[j] * o * (1 - o);
    dc[j] = d * f;
  }
  for (int i = 0; i < A; i++)
    for (int k = 0; k < G; k++) grad[i * G + k] += s->a[i] * dz[k];
  if (last) return; /* carried state has no gradient */
  for (int j = 0; j < U; j++) {
    float sum = 0;
    for (int k = 0; k < G; k++) sum += w[(F + j) * G + k] * dz[k];
    dh[j] = sum;
  }
}

/* x [updates, B, T, F], y [updates, B], reset [updates], w, m, v [P], h, c [B, U];
   power: beta_1 and beta_2 to the number of updates done. Returns the mean loss. */
double train(int updates, const float *x, const float *y, const unsigned char *reset,
             float *w, float *m, float *v, float *h, float *c, double *power) {
  static Step steps[T];
  double total = 0;
  for (int n = 0; n < updates; n++) {
    float grad[P] = {0}, *kernel = w + A * G;
    if (reset[n]) {
      memset(h, 0, B * U * sizeof(float));
      memset(c, 0, B * U * sizeof(float));
    }
    for (int b = 0; b < B; b++) {
      float *hb = h + b * U, *cb = c + b * U, dh[U], dc[U] = {0};
      const float *xb = x + ((long)n * B + b) * T * F, target = y[(long)n * B + b];
      for (int t = 0; t < T; t++) forward(xb + t * F, w, hb, cb, steps + t);
      float logit = kernel[U];
      for (int j = 0; j < U; j++) logit += kernel[j] * hb[j];
      total += fmaxf(logit, 0) - logit * target + log1pf(expf(-fabsf(logit)));
      float d = (sigmoid(logit) - target) / B;
      for (int j = 0; j < U; j++) {
        grad[A * G + j] += d * hb[j];
        dh[j] = d * kernel[j];
      }
      grad[P - 1] += d;
      for (int t = T - 1; t >= 0; t--) backward(w, steps + t, dh, dc, grad, t == 0);
    }
    power[0] *= 0.9;
    power[1] *= 0.999;
    float alpha = 1e-3 * sqrt(1 - power[1]) / (1 - power[0]);
    for (int i = 0; i < P; i++) {
      m[i] += (grad[i] - m[i]) * 0.1f;
      v[i] += (grad[i] * grad[i] - v[i]) * 0.001f;
      w[i] -= alpha * m[i] / (sqrtf(v[i]) + 1e-7f);
    }
  }
  return total / updates / B;
}
