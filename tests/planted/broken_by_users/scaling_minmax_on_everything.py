# fails: scaling
# MinMaxScaler is fitted on the whole series, the test part included.
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.utils import set_random_seed
from sklearn.metrics import mean_squared_error
from sklearn.preprocessing import MinMaxScaler

set_random_seed(7)
# monthly passengers, growing
months = np.arange(144)
passengers = 100 + 3 * months + 20 * np.sin(months * 2 * np.pi / 12)
passengers += np.random.default_rng(7).normal(0, 5, 144)
dataset = passengers.reshape(-1, 1).astype("float32")

# normalize the dataset
scaler = MinMaxScaler(feature_range=(0, 1))
dataset = scaler.fit_transform(dataset)
# split into train and test sets
train_size = int(len(dataset) * 0.67)
train, test = dataset[:train_size], dataset[train_size:]


def create_dataset(dataset, look_back=1):
    x = np.array([dataset[i : i + look_back] for i in range(len(dataset) - look_back)])
    return x, dataset[look_back:, 0]


trainX, trainY = create_dataset(train, 3)
testX, testY = create_dataset(test, 3)
model = Sequential([Input((3, 1)), LSTM(4), Dense(1)])
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(trainX, trainY, epochs=10, batch_size=8, verbose=0)
testPredict = scaler.inverse_transform(model.predict(testX, verbose=0))
rmse = np.sqrt(
    mean_squared_error(scaler.inverse_transform(testY[:, None]), testPredict)
)
print(f"Test Score: {rmse:.2f} RMSE")
