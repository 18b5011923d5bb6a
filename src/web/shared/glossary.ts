// What words mean, for readers who meet them the first time: two or three sentences each. `Term.svelte`
// shows an entry where its word appears.

export interface Entry {
  readonly title: string;
  readonly text: string;
}

export const GLOSSARY = {
  accuracy: {
    title: 'Accuracy and error',
    text: 'The share of pictures that get the right name, and the share of those that do not. The paper gives errors, in per cent of 10,000 test images.',
  },
  augmentation: {
    title: 'Augmentation',
    text: 'Each time a picture is used it is shifted a little and mirrored at random. The network never sees quite the same picture twice, so it learns what matters instead of learning pictures by heart.',
  },
  'batch norm': {
    title: 'Batch normalisation',
    text: 'After each convolution, every channel is brought to mean 0 and spread 1 over the batch, then scaled and shifted by two numbers that are learned. It keeps signals from growing or dying on their way through many layers.',
  },
  batch: {
    title: 'Batch',
    text: 'The pictures that are looked at together before the weights are moved once: 128 in the paper.',
  },
  block: {
    title: 'Residual block',
    text: 'Two convolutions with a shortcut around them: the block gives its input plus what the two convolutions make of it.',
  },
  checkpoint: {
    title: 'Checkpoint',
    text: 'Everything that training needs to go on exactly where it was: the weights, the momentum, the place in the epoch and the random numbers.',
  },
  channel: {
    title: 'Channel',
    text: 'One layer of a map: a picture has three (red, green, blue), the maps inside these networks have 16, 32 or 64. Each responds to something else.',
  },
  convolution: {
    title: 'Convolution',
    text: 'A small window moves over the picture. At each place, what lies in it is multiplied by the same 3 × 3 weights and added up. Each set of weights finds one kind of pattern, wherever it is.',
  },
  degradation: {
    title: 'Degradation',
    text: 'A deeper plain network has a higher error than a shallower one, on the training images too. So it is not learning by heart that harms it: it is harder to train.',
  },
  epoch: {
    title: 'Epoch',
    text: 'Every training image once, in a new random order. The paper trains for about 164 of them, the notebook for 200.',
  },
  'feature map': {
    title: 'Feature map',
    text: 'What one channel of a layer makes of a picture: a small picture of its own, bright where its pattern was found.',
  },
  gradient: {
    title: 'Gradient',
    text: 'For every weight, how much the loss would change if that weight were a little larger. Training moves each weight a little against its gradient.',
  },
  'learning rate': {
    title: 'Learning rate',
    text: 'How far the weights are moved in one step. Too large, and the loss jumps about or is no number any more; too small, and training takes forever. It is made smaller towards the end.',
  },
  loss: {
    title: 'Loss',
    text: 'How wrong the answers are, as one number: the mean cross-entropy, −ln of the probability given to the right class. Guessing among ten classes gives 2.30; 0 is perfect.',
  },
  momentum: {
    title: 'Momentum',
    text: 'Each step goes partly where the last ones went, like a ball that rolls. It smooths out the noise of single batches.',
  },
  parameters: {
    title: 'Parameters',
    text: 'The numbers that training adjusts: the weights of the convolutions and of the classifier, and two numbers for each channel of a batch normalisation.',
  },
  'plain network': {
    title: 'Plain network',
    text: 'The same layers as a residual network, without the shortcuts.',
  },
  ReLU: {
    title: 'ReLU',
    text: 'Negative numbers become 0, others stay. Without such a bend in between, any number of layers could be replaced by a single one.',
  },
  residual: {
    title: 'Residual',
    text: 'What has to be added to the input to get the output. A block with a shortcut only has to learn this difference, and where nothing should change, it is zero.',
  },
  response: {
    title: 'Response of a layer',
    text: 'What a layer gives after batch normalisation, before anything is added or cut off. Its standard deviation says how much the layer does to the signal.',
  },
  seed: {
    title: 'Seed',
    text: 'A number that all random choices follow from: the first weights, the order of the pictures, how they are shifted. The same seed gives the same run, to the last bit.',
  },
  shortcut: {
    title: 'Shortcut',
    text: 'A way around two layers that passes on their input unchanged. The signal goes forward along it, and in training the gradient comes back along it.',
  },
  synthetic: {
    title: 'Synthetic images',
    text: 'Circles, stars, arrows and seven more shapes, drawn by this page. They are there at once and quickly learned, so they are good for a first try.',
  },
  'test images': {
    title: 'Test images',
    text: 'Pictures that are never trained on. The error on them says how well the network does on pictures that it has not seen.',
  },
  'weight decay': {
    title: 'Weight decay',
    text: 'Each step also makes every weight a little smaller. Only weights that keep being useful stay large.',
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type TermName = keyof typeof GLOSSARY;
